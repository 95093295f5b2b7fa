// Package registry lets grants come and go: tokens that are imported or consented
// to, orders of the operator, revocation, and what is asked of the API about a
// token. It returns records and errors; how a grant looks is shown elsewhere.
//
// It promises that no older token replaces a newer one, and that nothing but an
// order of the operator deletes a refresh token that may still work.
package registry

import (
	"time"

	"github.com/hashicorp/go-hclog"

	"webex-tokend/daemon/config"
	"webex-tokend/daemon/event"
	"webex-tokend/daemon/flight"
	"webex-tokend/daemon/provider"
	"webex-tokend/daemon/state"
	"webex-tokend/store"
)

// page is how many records are read at a time.
const page = 1024

// A Config says what a Registry works with. All but Log is needed.
type Config struct {
	Store    *store.Store
	Config   func() *config.Config // in force
	Provider *provider.Client
	Flights  *flight.Flights
	States   *state.Book
	Events   *event.Stream
	// Now is the wall clock in UTC, in whole milliseconds as the store has it.
	Now func() time.Time
	// Log gets one line per event; nil means none.
	Log hclog.Logger
}

// A Registry is safe for concurrent use. It keeps nothing: the store has it all.
type Registry struct{ cfg Config }

// New returns the registry of a store.
func New(cfg Config) *Registry {
	if cfg.Log == nil {
		cfg.Log = hclog.NewNullLogger()
	}
	return &Registry{cfg}
}
