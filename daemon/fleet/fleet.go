// Package fleet joins the rooms that look after the grants of one store: what
// serves on every host, and what acts by itself on the host in office. A refresh
// goes from the sweep to the refresher and from there to the endpoint, the
// client, the provider and the store, and comes back as an event.
package fleet

import (
	"context"
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
	"webex-tokend/daemon/refresh"
	"webex-tokend/daemon/registry"
	"webex-tokend/daemon/state"
	"webex-tokend/daemon/sweep"
	"webex-tokend/store"
)

// A Config says what a Fleet works with. Store, Config and Provider are needed.
type Config struct {
	Store    *store.Store
	Config   *config.Config
	Provider *provider.Client
	// Events receives what happens; nil: nobody hears of it. Stop closes it.
	Events *event.Stream
	// Meter measures sweeps, requests and commits; nil: nobody reads it.
	Meter *meter.Meter
	// Hosts is what there is to know of others that share the store; zero: none do.
	Hosts refresh.Hosts
	// Spool is a folder for sealed copies of answers that the store refuses,
	// made when it is needed; empty: such answers are in memory only.
	Spool string
	// Now is the wall clock; nil means time.Now.
	Now func() time.Time
	// Log gets one line per event; nil means none.
	Log hclog.Logger
}

// A Fleet is the rooms. Each is safe for concurrent use.
type Fleet struct {
	Endpoints *endpoint.Set
	Circuits  *circuit.Circuits
	Trust     *state.Trust
	States    *state.Book
	Registry  *registry.Registry
	Refresher *refresh.Refresher
	Sweeper   *sweep.Sweeper

	shared  bool // the store is, with other hosts
	events  *event.Stream
	now     func() time.Time
	current atomic.Pointer[config.Config]
}

// New joins rooms that do nothing of their own until Start.
func New(cfg Config) *Fleet {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Events == nil {
		cfg.Events = event.NewStream(cfg.Now)
	}
	if cfg.Meter == nil {
		cfg.Meter = new(meter.Meter)
	}
	if cfg.Log == nil {
		cfg.Log = hclog.NewNullLogger()
	}
	now := func() time.Time { return cfg.Now().UTC().Truncate(time.Millisecond) }
	f := &Fleet{events: cfg.Events, now: now, shared: cfg.Hosts.MayAct != nil}
	f.current.Store(cfg.Config)
	f.Endpoints = endpoint.NewSet(endpoint.Config{Blobs: cfg.Store, Log: cfg.Log})
	f.Endpoints.Arrange(cfg.Config)
	f.Circuits = circuit.New(circuit.Config{Notes: cfg.Store, Log: cfg.Log})
	f.Trust = new(state.Trust)
	flights := flight.New()
	f.States = state.New(state.Config{Store: cfg.Store, Config: f.current.Load, Circuits: f.Circuits, Flights: flights,
		Trust: f.Trust, Events: cfg.Events, Now: now, Log: cfg.Log})
	f.Registry = registry.New(registry.Config{Store: cfg.Store, Config: f.current.Load, Provider: cfg.Provider, Flights: flights,
		States: f.States, Events: cfg.Events, Now: now, Log: cfg.Log})
	f.Refresher = refresh.New(refresh.Config{Store: cfg.Store, Config: f.current.Load, Provider: cfg.Provider, Registry: f.Registry,
		Endpoints: f.Endpoints, Circuits: f.Circuits, Flights: flights, Trust: f.Trust, States: f.States, Meter: cfg.Meter,
		Hosts: cfg.Hosts, Spool: cfg.Spool, Now: now, Log: cfg.Log})
	f.Sweeper = sweep.New(sweep.Config{Store: cfg.Store, Config: f.current.Load, Refresher: f.Refresher, Endpoints: f.Endpoints,
		Circuits: f.Circuits, Flights: flights, Trust: f.Trust, States: f.States, Meter: cfg.Meter, Now: now, Log: cfg.Log})
	return f
}

// Start brings back what an earlier run left, and takes office:
//
//	spool      answers that the store refused go into their records before
//	           anything is sent: the token that an open intent would send
//	           again may be the one that its lost answer has replaced
//	pauses     that endpoints asked for
//	clients    that were refused
//	pending    grants, which the configuration declares
//	office     open intents are resolved, and the schedule follows the
//	           configuration and the clock
func (f *Fleet) Start(ctx context.Context) error {
	cfg := f.current.Load()
	if err := f.Refresher.EmptySpool(ctx); err != nil {
		return err
	}
	if f.shared {
		return f.apply(ctx, cfg) // the office comes later, or goes to another host
	}
	if err := f.recall(ctx); err != nil {
		return err
	}
	if err := f.apply(ctx, cfg); err != nil {
		return err
	}
	return f.Sweeper.Start(ctx)
}

func (f *Fleet) recall(ctx context.Context) error {
	if err := f.Endpoints.Recall(ctx, f.now()); err != nil {
		return err
	}
	return f.Circuits.Recall(ctx, f.current.Load())
}

// TakeOffice begins what happens by itself, on a host that shares the store:
// with the pauses and refused clients that the last one in office has left.
func (f *Fleet) TakeOffice(ctx context.Context) error {
	if err := f.recall(ctx); err != nil {
		return err
	}
	return f.Sweeper.Start(ctx)
}

// LeaveOffice ends it. Whether clients are refused is the next one's to find out:
// its secrets may be others.
func (f *Fleet) LeaveOffice() {
	f.Sweeper.Stop()
	f.Circuits.Rest()
}

// Follow lets everybody know of what another host has made of a grant; nil says
// that there was or is no record.
func (f *Fleet) Follow(name string, was, is *store.Record) {
	gone := func(r *store.Record) bool { return r == nil || r.Removed }
	if gone(is) {
		if !gone(was) {
			f.States.Left(f.current.Load(), name)
			f.events.Send(event.Event{Kind: event.Removed, Grant: name, State: store.Pending, Reason: state.NoToken, At: f.now()})
		}
		return
	}
	if gone(was) {
		f.States.Arrived(name)
		f.States.Announce(event.Registered, was, store.Condition{State: store.Pending}, is)
		return
	}
	kind := event.Changed
	switch {
	case is.RegisteredAt.After(was.RegisteredAt):
		kind = event.Registered
	case is.Generation != was.Generation:
		kind = event.Refreshed
	case is.Failures > was.Failures:
		kind = event.Failed
	case !is.Token.ExpiresAt.Equal(was.Token.ExpiresAt):
		kind = event.ExpiryConfirmed
	case is.Condition().State == was.Condition().State:
		return
	}
	f.States.Announce(kind, was, was.Condition(), is)
}

// Reconfigure applies cfg; on error the old configuration stays in force.
// Exchanges in flight end under the one they began with; the schedule follows in
// the background, paced.
func (f *Fleet) Reconfigure(ctx context.Context, cfg *config.Config) error {
	if err := f.apply(ctx, cfg); err != nil {
		return err
	}
	f.Sweeper.Reconfigure(cfg)
	return nil
}

// Config is the configuration in force.
func (f *Fleet) Config() *config.Config { return f.current.Load() }

func (f *Fleet) apply(ctx context.Context, cfg *config.Config) error {
	if err := f.States.FindPending(ctx, cfg); err != nil {
		return err
	}
	before := f.current.Swap(cfg)
	f.Endpoints.Arrange(cfg)
	f.Circuits.Reconfigure(before, cfg, f.now())
	return nil
}

// Stop leaves office, lets what was sent be answered and stored, and closes the
// events. When ctx ends first, its error says that an answer was not stored.
func (f *Fleet) Stop(ctx context.Context) error {
	defer f.events.Close()
	left := make(chan struct{})
	go func() {
		f.Sweeper.Stop()
		close(left)
	}()
	err := f.Refresher.Stop(ctx)
	<-left
	return err
}
