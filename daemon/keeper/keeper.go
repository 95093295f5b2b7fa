// Package keeper is the core of the daemon: everything that acts on a grant
// goes through it, everything that reacts to one subscribes to its events.
//
// It promises that no refresh request leaves before a durable intent, that an
// answer is durable before anybody sees the token in it, that a grant has at
// most one request in flight, and that no answer ever deletes a refresh token.
package keeper

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-hclog"

	"webex-tokend/daemon/circuit"
	"webex-tokend/daemon/config"
	"webex-tokend/daemon/endpoint"
	"webex-tokend/daemon/event"
	"webex-tokend/daemon/flight"
	"webex-tokend/daemon/meter"
	"webex-tokend/daemon/provider"
	"webex-tokend/daemon/state"
	"webex-tokend/daemon/sweep"
	"webex-tokend/store"
)

// A Config says what a Keeper works with. Store, Config and Provider are needed.
type Config struct {
	Store    *store.Store
	Config   *config.Config
	Provider *provider.Client
	// Events is told what happens; nil: nobody is. Stop closes it.
	Events *event.Stream
	// Meter measures what the keeper does; nil: nobody reads it.
	Meter *meter.Meter
	// Spool is a folder for sealed copies of answers that the store refuses,
	// made when it is needed; empty: such answers are in memory only.
	Spool string
	// Now is the wall clock; nil means time.Now.
	Now func() time.Time
	// Log gets one line per event; nil means none.
	Log hclog.Logger
}

// A Keeper is safe for concurrent use. Nothing is loaded at its start: the
// store is the schedule.
type Keeper struct {
	store     *store.Store
	provider  *provider.Client
	endpoints *endpoint.Set
	circuits  *circuit.Circuits
	flights   *flight.Flights
	trust     *state.Trust
	States    *state.Book
	spool     spool
	wall      func() time.Time
	log       hclog.Logger
	config    atomic.Pointer[config.Config]
	events    *event.Stream
	meter     *meter.Meter
	*sweep.Sweeper

	// abandoned ends the attempts to store what a broken store refuses.
	abandoned context.Context
	abandon   context.CancelFunc
	tasks     sync.WaitGroup
}

// New returns a keeper that does nothing of its own until Start.
func New(cfg Config) *Keeper {
	k := &Keeper{
		store:    cfg.Store,
		provider: cfg.Provider,
		spool:    spool{cfg.Spool},
		events:   cfg.Events,
		meter:    cfg.Meter,
		wall:     cfg.Now,
		log:      cfg.Log,
	}
	if k.wall == nil {
		k.wall = time.Now
	}
	if k.events == nil {
		k.events = event.NewStream(k.wall)
	}
	if k.meter == nil {
		k.meter = new(meter.Meter)
	}
	if k.log == nil {
		k.log = hclog.NewNullLogger()
	}
	k.abandoned, k.abandon = context.WithCancel(context.Background())
	k.config.Store(cfg.Config)
	k.endpoints = endpoint.NewSet(endpoint.Config{Blobs: cfg.Store, Log: k.log})
	k.endpoints.Arrange(cfg.Config)
	k.circuits = circuit.New(circuit.Config{Notes: cfg.Store, Log: k.log})
	k.flights, k.trust = flight.New(), new(state.Trust)
	k.States = state.New(state.Config{Store: cfg.Store, Config: k.config.Load, Circuits: k.circuits, Flights: k.flights,
		Trust: k.trust, Events: k.events, Now: k.now, Log: k.log})
	k.Sweeper = sweep.New(sweep.Config{Store: cfg.Store, Config: k.config.Load, Refresher: k, Endpoints: k.endpoints, Circuits: k.circuits,
		Flights: k.flights, Trust: k.trust, States: k.States, Meter: k.meter, Now: k.now, Log: k.log})
	return k
}

// Start stores what the spool holds, closes the endpoints that asked for
// patience, remembers the clients that were refused, lists the open intents,
// which are resolved behind its return, and brings the schedule in line with the
// configuration.
func (k *Keeper) Start(ctx context.Context) error {
	if err := k.emptySpool(ctx); err != nil {
		return err
	}
	if err := k.endpoints.Recall(ctx, k.now()); err != nil {
		return err
	}
	if err := k.circuits.Recall(ctx, k.config.Load()); err != nil {
		return err
	}
	if err := k.adopt(ctx, k.config.Load()); err != nil {
		return err
	}
	return k.Sweeper.Start(ctx)
}

// Reconfigure takes over another configuration, or, with an error, nothing of
// it. Exchanges in flight end under the one they began with; the schedule
// follows behind the return, paced.
func (k *Keeper) Reconfigure(ctx context.Context, cfg *config.Config) error {
	if err := k.adopt(ctx, cfg); err != nil {
		return err
	}
	k.Sweeper.Reconfigure(cfg)
	return nil
}

// adopt applies a configuration; on error the old one stays in force.
func (k *Keeper) adopt(ctx context.Context, cfg *config.Config) error {
	if err := k.States.FindPending(ctx, cfg); err != nil {
		return err
	}
	before := k.config.Swap(cfg)
	k.endpoints.Arrange(cfg)
	k.circuits.Reconfigure(before, cfg, k.now())
	return nil
}

// Stop lets exchanges that were sent finish and be stored; those that wait for
// a permit are given up before they are sent. When ctx ends first, it says
// that something is still under way.
func (k *Keeper) Stop(ctx context.Context) error {
	k.flights.Stop()
	done := make(chan struct{})
	go func() {
		k.Sweeper.Stop()
		k.tasks.Wait()
		k.flights.Wait()
		close(done)
	}()
	defer k.events.Close()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		k.abandon()
		<-done
		return errors.New("an answer could not be stored before the stop")
	}
}

func (k *Keeper) now() time.Time { return k.wall().UTC().Truncate(time.Millisecond) }

// pause waits for d unless ctx ends first.
func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Held lists the grants with an answer that is in memory alone, in order.
func (k *Keeper) Held() []string { return k.trust.Held() }

// StoreError is why the store refuses to be written; empty: it does not.
func (k *Keeper) StoreError() string { return k.trust.Error() }

// Refusals are the integrations whose client is refused.
func (k *Keeper) Refusals() map[string]store.Condition { return k.circuits.Refusals() }

// ClockSkew is that of the endpoint whose clock is furthest from ours.
func (k *Keeper) ClockSkew() time.Duration { return k.endpoints.WidestSkew() }
