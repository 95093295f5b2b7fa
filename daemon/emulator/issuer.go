package emulator

import (
	"math/rand/v2"
	"sync"
)

// An issuer holds the data of the server: clients, people, and the grants between
// them.
type issuer struct {
	cfg     Config
	mint    *mint
	orgs    orgTable
	clients []*registration // in the order of Config.Clients

	// mu guards all below, the changing fields in clients, and what waits in
	// codes and devices. It is held for computations only, never while a request
	// is read or answered.
	mu       sync.Mutex
	rng      *rand.Rand
	grants   []grant // the one with GrantID n stands at n-1
	accounts []account
	people   map[string]uint32 // address in lower case to its place in accounts
	scopes   scopeTable
	proofs   map[GrantID]proof
	consents map[consentKey]GrantID // the latest of each person
	voided   map[uint64]struct{}    // access tokens revoked one by one
	stats    Stats
}

func newIssuer(cfg Config) *issuer {
	i := &issuer{
		cfg:      cfg,
		mint:     newMint(cfg),
		rng:      rand.New(rand.NewPCG(cfg.Seed, 0x776562657800)),
		people:   map[string]uint32{},
		scopes:   scopeTable{numbers: map[string]uint16{}},
		proofs:   map[GrantID]proof{},
		consents: map[consentKey]GrantID{},
		voided:   map[uint64]struct{}{},
	}
	for n, c := range cfg.Clients {
		i.clients = append(i.clients, &registration{Client: c, number: uint16(n), life: cfg.life(c.Kind)})
	}
	return i
}
