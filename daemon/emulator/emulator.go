// Package emulator is a Webex authorization server for tests, demonstrations
// and trying a configuration: integrations, Meetings integrations, the device
// flow, service apps, and the few API routes by which a token is tried.
//
// It behaves as Webex documents itself, and like the real one it has its moods:
// by default a refresh is now and then answered with 429 and a strange
// Retry-After, with 5xx, with nothing, or with the token that was there before
// (see Mischief; Config.Calm turns all of it off). Tests inject further faults
// with Script, take the whole server away with Down, and ask it what it issued:
// it knows every refresh token that works at this instant.
//
// It promises that a token it refuses is dead and one it accepts is live, by
// its own clock. It promises no secrecy: its pages ask for no password, and its
// secrets follow from Config.Seed.
//
// Where neither a document nor an official sample shows how Webex words an
// answer, the nearest known one serves; the comments there say so.
package emulator

import (
	"html/template"
	"math/rand/v2"
	"net/http"
	"sync"
)

// maxBody is how much of a request is read, in bytes.
const maxBody = 64 << 10

// An Emulator is the server. It is an http.Handler, and Transport serves the
// same without a socket. All of its methods may be called at any time.
type Emulator struct {
	cfg     Config
	mint    mint
	routes  *http.ServeMux
	pages   *template.Template
	orgs    orgTable
	clients []*registration // in the order of Config.Clients

	// mu guards all below and the changing fields in clients. It is held for
	// computations only, never while a request is read or answered.
	mu       sync.Mutex
	rng      *rand.Rand
	grants   []grant // the one with GrantID n stands at n-1
	accounts []account
	people   map[string]uint32 // address in lower case to its place in accounts
	scopes   scopeTable
	codes    map[string]code
	devices  map[string]*deviceRequest // by device code
	proofs   map[GrantID]proof
	consents map[consentKey]GrantID // the latest of each person
	voided   map[uint64]struct{}    // access tokens revoked one by one
	scripts  map[string][]Answer    // by path; "" is any token endpoint
	down     bool
	outages  []outage
	history  history
	stats    Stats
}

// New returns an emulator that holds no grants yet. It starts nothing, so there
// is nothing to close.
func New(cfg Config) *Emulator {
	cfg = cfg.withDefaults()
	e := &Emulator{
		cfg:      cfg,
		mint:     newMint(cfg),
		routes:   http.NewServeMux(),
		pages:    parsePages(),
		rng:      rand.New(rand.NewPCG(cfg.Seed, 0x776562657800)),
		people:   map[string]uint32{},
		scopes:   scopeTable{numbers: map[string]uint16{}},
		codes:    map[string]code{},
		devices:  map[string]*deviceRequest{},
		proofs:   map[GrantID]proof{},
		consents: map[consentKey]GrantID{},
		voided:   map[uint64]struct{}{},
		scripts:  map[string][]Answer{},
		history:  history{keep: cfg.KeepCalls},
	}
	for i, c := range cfg.Clients {
		e.clients = append(e.clients, &registration{Client: c, number: uint16(i), life: cfg.life(c.Kind)})
	}
	for _, route := range e.table() {
		for _, method := range route.Methods {
			e.routes.HandleFunc(method+" "+route.Path, route.serve)
		}
	}
	return e
}

// ServeHTTP answers one request: late if so configured, then by script, in a bad
// mood, or as it should.
func (e *Emulator) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if e.away() {
		panic(http.ErrAbortHandler)
	}
	// The server's clock, not the host's; net/http leaves a Date that is set.
	w.Header().Set("Date", e.cfg.Now().UTC().Format(http.TimeFormat))
	if r.Body != nil {
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	}
	_, token := e.dialect(r.URL.Path)
	if token {
		_ = r.ParseForm() // the endpoint parses again and answers the error
	}
	note := &answerNote{ResponseWriter: w}
	call, scripted := e.note(r), e.scripted(r.URL.Path)
	defer func() { e.settle(call, note, scripted != nil) }()

	switch {
	case !wait(r, e.cfg.Latency):
		panic(http.ErrAbortHandler)
	case scripted != nil:
		scripted(note, r, e.routes)
	case !token || !e.misbehave(note, r):
		e.routes.ServeHTTP(note, r)
	}
}
