// Package state knows in which state each grant is: what its record says together
// with what only memory knows, that is grants without a record, records that do
// not open, answers that the store refuses and outcomes that nobody works on. It
// explains why something is not done, and sends the events of what has changed.
package state

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"

	"webex-tokend/daemon/circuit"
	"webex-tokend/daemon/config"
	"webex-tokend/daemon/event"
	"webex-tokend/daemon/flight"
	"webex-tokend/store"
)

// A Config says what a Book works with. All but Log is needed.
type Config struct {
	Store    *store.Store
	Config   func() *config.Config // in force
	Circuits *circuit.Circuits
	Flights  *flight.Flights
	Trust    *Trust
	Events   *event.Stream
	// Now is the wall clock in UTC, in whole milliseconds as the store has it.
	Now func() time.Time
	// Log gets one line per event; nil means none.
	Log hclog.Logger
}

// A Book is the state of all grants. It is safe for concurrent use.
type Book struct {
	store    *store.Store
	config   func() *config.Config
	circuits *circuit.Circuits
	flights  *flight.Flights
	trust    *Trust
	events   *event.Stream
	now      func() time.Time
	log      hclog.Logger

	mu      sync.Mutex
	damaged map[string]damage
	pending map[string]vacancy // declared names without a record
	// woken are managers that got tokens, and whose apps are to be looked at.
	woken map[string]struct{}
	// changes are, while pending grants are looked for, those whose record came
	// (true) or went since.
	changes map[string]bool
}

// New returns a book in which no grant is pending or damaged.
func New(cfg Config) *Book {
	if cfg.Log == nil {
		cfg.Log = hclog.NewNullLogger()
	}
	return &Book{
		store:    cfg.Store,
		config:   cfg.Config,
		circuits: cfg.Circuits,
		flights:  cfg.Flights,
		trust:    cfg.Trust,
		events:   cfg.Events,
		now:      cfg.Now,
		log:      cfg.Log,
		damaged:  make(map[string]damage),
		pending:  make(map[string]vacancy),
		woken:    make(map[string]struct{}),
	}
}

// Read returns a record, or a refusal that explains why there is none.
func (b *Book) Read(ctx context.Context, cfg *config.Config, name string) (store.Stored, error) {
	stored, err := b.store.Get(ctx, name)
	if bad, ok := errors.AsType[*store.DamagedError](err); ok {
		c := b.FoundDamaged(bad)
		return store.Stored{}, b.Refuse(name, c, "cannot be read")
	}
	if errors.Is(err, store.ErrNotFound) || err == nil && stored.Removed {
		return store.Stored{}, b.Absent(cfg, name)
	}
	return stored, err
}

// Announce sends the events of a change: one of that kind, and those of another
// state and of another window end. was is nil where there was no record.
func (b *Book) Announce(kind event.Kind, was *store.Record, before store.Condition, is *store.Record) {
	c := b.Condition(is)
	b.wake(kind, is.Name, c)
	e := event.Event{Grant: is.Name, Generation: is.Generation, State: c.State, Reason: c.Reason, At: b.now()}
	kinds := []event.Kind{kind}
	if c.State != before.State && kind != event.Changed {
		kinds = append(kinds, event.Changed)
	}
	if was == nil || !is.Refresh.EndsAt.Equal(was.Refresh.EndsAt) {
		kinds = append(kinds, event.Moved)
	}
	events := make([]event.Event, 0, len(kinds))
	for _, kind := range kinds {
		e.Kind = kind
		events = append(events, e)
	}
	b.events.Send(events...)
}

// SetBack keeps what is waited for as long as it is when the clock by which it
// began was set back.
func (b *Book) SetBack(by time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for name, d := range b.damaged {
		d.seen = d.seen.Add(-by)
		b.damaged[name] = d
	}
}
