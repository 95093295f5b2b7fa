// Package refresh does one refresh from intent to commit, and gives out tokens.
//
// It promises that no request leaves before a durable intent, that an answer is
// durable before anybody sees the token in it, that a grant has at most one
// request in flight, and that no answer ever deletes a refresh token.
package refresh

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"

	"webex-tokend/daemon/circuit"
	"webex-tokend/daemon/config"
	"webex-tokend/daemon/endpoint"
	"webex-tokend/daemon/flight"
	"webex-tokend/daemon/meter"
	"webex-tokend/daemon/provider"
	"webex-tokend/daemon/registry"
	"webex-tokend/daemon/state"
	"webex-tokend/store"
)

// page is how many intents are read at a time.
const page = 1024

// A Registrar takes the tokens that a manager mints. *registry.Registry is one.
type Registrar interface {
	Register(ctx context.Context, name string, reg registry.Registration) (registry.Registered, error)
}

// A Config says what a Refresher works with. Store to Meter and Now are
// needed.
type Config struct {
	Store     *store.Store
	Config    func() *config.Config // in force
	Provider  *provider.Client
	Registry  Registrar
	Endpoints *endpoint.Set
	Circuits  *circuit.Circuits
	Flights   *flight.Flights
	Trust     *state.Trust
	States    *state.Book
	Meter     *meter.Meter
	// Hosts is what there is to know of others that share the store; zero: none do.
	Hosts Hosts
	// Spool is a folder for sealed copies of answers that the store refuses,
	// made when it is needed; empty: such answers are in memory only.
	Spool string
	// Now is the wall clock in UTC, in whole milliseconds as the store has it.
	Now func() time.Time
	// Log gets one line per event; nil means none.
	Log hclog.Logger
}

// A Refresher is safe for concurrent use.
type Refresher struct {
	cfg   Config
	spool spool

	// abandoned ends the attempts to store what a broken store refuses.
	abandoned context.Context
	abandon   context.CancelFunc
	tasks     sync.WaitGroup
}

// New returns a refresher that does nothing of its own.
func New(cfg Config) *Refresher {
	if cfg.Log == nil {
		cfg.Log = hclog.NewNullLogger()
	}
	x := &Refresher{cfg: cfg, spool: spool{cfg.Spool}}
	x.abandoned, x.abandon = context.WithCancel(context.Background())
	return x
}

// Stop lets exchanges that were sent finish and be stored; those that wait for
// a permit are given up before they are sent. When ctx ends first, its error says
// that an answer could not be stored.
func (x *Refresher) Stop(ctx context.Context) error {
	x.cfg.Flights.Stop()
	done := make(chan struct{})
	go func() {
		x.tasks.Wait()
		x.cfg.Flights.Wait()
		close(done)
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		x.abandon()
		<-done
		return errors.New("an answer could not be stored before the stop")
	}
}
