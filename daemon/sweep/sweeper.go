// Package sweep is what happens by itself, and only on the host in office: grants
// that are due go to their endpoints, outcomes that an earlier run left open are
// cleared up, service apps get their first tokens, and the schedule follows the
// configuration and the clock. All of it starts and stops as one thing; a single
// host is always in office.
package sweep

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"

	"webex-tokend/daemon/circuit"
	"webex-tokend/daemon/config"
	"webex-tokend/daemon/endpoint"
	"webex-tokend/daemon/flight"
	"webex-tokend/daemon/meter"
	"webex-tokend/daemon/state"
	"webex-tokend/store"
)

// A Refresher does what the sweep finds to be done. *refresh.Refresher is one.
type Refresher interface {
	// Due starts the refresh of a grant that is due, or joins the one in flight.
	Due(grant string) *flight.Flight
	// Refresh orders one and waits for its outcome.
	Refresh(ctx context.Context, grant string) error
	// Again starts a refresh that the store held up, as an order.
	Again(grant string) *flight.Flight
	// Recall lists the refreshes whose outcome never became durable.
	// With all false: those alone that this process does not know of.
	Recall(ctx context.Context, all bool) ([]store.OpenIntent, error)
	// Resolve clears up one of them, until ctx ends.
	Resolve(ctx context.Context, open store.OpenIntent)
	// Mint fetches tokens for a service app.
	Mint(ctx context.Context, in *config.Integration, grant string) error
}

// A Config says what a Sweeper works with. All but Log is needed.
type Config struct {
	Store     *store.Store
	Config    func() *config.Config // in force
	Refresher Refresher
	Endpoints *endpoint.Set
	Circuits  *circuit.Circuits
	Flights   *flight.Flights
	Trust     *state.Trust
	States    *state.Book
	Meter     *meter.Meter
	// Now is the wall clock in UTC, in whole milliseconds as the store has it.
	Now func() time.Time
	// Log gets one line per event; nil means none.
	Log hclog.Logger
}

// A Sweeper is safe for concurrent use. Nothing is loaded at its start: the store
// is the schedule.
type Sweeper struct {
	cfg   Config
	clock clock
	walk  walk

	// working ends what is under way when the office ends.
	working context.Context
	stop    context.CancelFunc
	tasks   sync.WaitGroup
	// resolutions are the tasks that clear up open intents after the start.
	resolutions sync.WaitGroup

	mu    sync.Mutex
	lanes map[string]*lane   // by token URL
	mints map[string]minting // of pending service apps: not before
}

// New returns a sweeper that does nothing until Start.
func New(cfg Config) *Sweeper {
	if cfg.Log == nil {
		cfg.Log = hclog.NewNullLogger()
	}
	w := &Sweeper{cfg: cfg, lanes: make(map[string]*lane), mints: make(map[string]minting)}
	w.working, w.stop = context.WithCancel(context.Background())
	w.stop()
	return w
}

// term returns what ends with the office; it has ended while there is none.
func (w *Sweeper) term() context.Context {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.working
}

// Start takes office: it lists the open intents, which are resolved in the
// background, and brings the schedule in line with the configuration, or all of it
// anew where the clock is behind that of the last run. It can be called again
// after Stop.
func (w *Sweeper) Start(ctx context.Context) error {
	w.mu.Lock()
	w.working, w.stop = context.WithCancel(context.Background())
	w.mu.Unlock()
	open, err := w.cfg.Refresher.Recall(ctx, true)
	if err != nil {
		return err
	}
	term := w.term()
	for _, i := range open {
		w.resolutions.Add(1)
		w.tasks.Go(func() {
			defer w.resolutions.Done()
			w.cfg.Refresher.Resolve(term, i)
		})
	}
	past, err := w.wokeInThePast(ctx)
	if err != nil {
		return fmt.Errorf("read the time of the last run: %w", err)
	}
	w.startReindex(w.cfg.Config(), past)
	return nil
}

// TakeOver clears up, in the background, what hosts that have gone left open and
// may be taken over by now.
func (w *Sweeper) TakeOver(ctx context.Context) error {
	open, err := w.cfg.Refresher.Recall(ctx, false)
	for _, i := range open {
		term := w.term()
		w.begin(func() { w.cfg.Refresher.Resolve(term, i) })
	}
	return err
}

// Reconfigure brings the schedule in line with another configuration, in the
// background and paced.
func (w *Sweeper) Reconfigure(cfg *config.Config) {
	if w.term().Err() == nil {
		w.startReindex(cfg, false)
	}
}

// Stop leaves office. What was handed to an endpoint ends by itself.
func (w *Sweeper) Stop() {
	w.mu.Lock()
	w.stop()
	w.mu.Unlock()
	w.tasks.Wait()
}

// begin runs a task until it ends, unless the office has ended.
func (w *Sweeper) begin(task func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.working.Err() == nil {
		w.tasks.Go(task)
	}
}
