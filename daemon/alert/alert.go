// Package alert tells people that a grant, an integration or the store needs
// them: by the log, a command and a webhook.
//
// It promises that each trouble is told by each way until that way has taken
// it, and then once, over restarts too; that of several times before an end
// which passed meanwhile the nearest one is told; that what is over is told to
// whoever was told of it; and that neither a large fleet nor a grant that goes up
// and down makes a flood. Twice is told only what was delivered right before a
// crash; it has the same ID then.
package alert

import (
	"context"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"

	"webex-tokend/daemon/config"
	"webex-tokend/daemon/event"
	"webex-tokend/daemon/meter"
	"webex-tokend/daemon/report"
	"webex-tokend/daemon/wire"
	"webex-tokend/store"
)

// LookSpec is how often Look is to be called: so late, at most, shows what no
// event tells. With nothing in trouble a look costs microseconds, with a million
// grants of which thousands are, some 20 ms.
const LookSpec = "@every 2s"

// Report is what shows trouble. *report.Report is one.
type Report interface {
	Grants(ctx context.Context, q report.Query) (wire.Grants, error)
	Grant(ctx context.Context, name string) (wire.Grant, error)
	Trouble() report.Trouble
	Pending() report.Pending
}

// A Config says what is watched and how it is told. Report, Store and Config are
// needed.
type Config struct {
	Report Report
	// Meter says when the last sweep was; nil: it never does.
	Meter *meter.Meter
	// Store keeps what was told.
	Store *store.Store
	// Config returns the configuration in force.
	Config func() *config.Config
	// Failing lists the grants of which a file or hook failed at its last try; nil:
	// none.
	Failing func() []string
	// Acting reports whether what this host knows of the grants is what there is to
	// know; where it is not, only the hosts are looked at. Nil: it always is.
	Acting func() bool
	// Transport replaces the way to the webhook; nil means the network.
	Transport http.RoundTripper
	// Host is what the host is called in alerts; empty: what it calls itself.
	Host string
	// Now is the wall clock; nil means time.Now.
	Now func() time.Time
	// Log is a way of telling, and learns of those that fail; nil drops all.
	Log hclog.Logger
}

// A Stream delivers events. *event.Subscription is one.
type Stream interface {
	Next(ctx context.Context) ([]event.Event, error)
	Close()
}

// Alerts watch and tell while Run runs. All methods are safe for concurrent use.
type Alerts struct {
	cfg     Config
	ways    []*way
	wake    chan struct{} // holds a token when there is something to do
	done    chan outcome
	sending sync.WaitGroup

	book   book    // of Run
	last   *looked // of Run
	shared *shared
}

// looked is what the looks so far have found.
type looked struct {
	cursor  string    // of the walk through the urgent grants
	missed  int       // grants that this walk found and the book has no room for
	proven  bool      // since the start the store took the outcome of a refresh
	swept   time.Time // the last sweep, as of the last look
	late    time.Time // since when refreshes are overdue; zero: they are not
	failing bool      // files or hooks do, as of the last look
	turned  time.Time // when that changed; zero: before the first look
	unread  bool      // the last attempt to read a grant failed
	at      time.Time // the last look
	awake   time.Time // the first one since the daemon was away or asleep
	// postponed are grants with troubles that may end by themselves.
	postponed map[string]bool
	hosts     map[string]time.Time // by key, since when something is wrong with them
}

// shared is what Run and those who call Alerts share.
type shared struct {
	mu       sync.Mutex
	changes  changes
	watched  map[string]bool // grants with an entry
	unproven bool            // there is an entry that only a refresh ends, or may be
	figures  []Figures
}

// Figures tell how one way of telling fares.
type Figures struct {
	Way     string // log, command or webhook
	Told    uint64 // messages that were taken
	Failed  uint64 // attempts that were not
	Waiting int    // troubles of which there is something left to tell
	Error   string // of the last attempt; empty: it was taken
}

// New tells nothing until Run.
func New(cfg Config) *Alerts {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Failing == nil {
		cfg.Failing = func() []string { return nil }
	}
	if cfg.Acting == nil {
		cfg.Acting = func() bool { return true }
	}
	if cfg.Meter == nil {
		cfg.Meter = new(meter.Meter)
	}
	if cfg.Log == nil {
		cfg.Log = hclog.NewNullLogger()
	}
	if cfg.Host == "" {
		// Without a name the alert is still worth telling.
		cfg.Host, _ = os.Hostname()
	}
	a := &Alerts{
		cfg:  cfg,
		ways: []*way{newWay(logWay(cfg.Log)), newWay(commandWay()), newWay(webhookWay(cfg.Transport))},
		wake: make(chan struct{}, 1),
		book: book{store: cfg.Store},
		last: new(looked),
		// Until the first look has been.
		shared: &shared{unproven: true},
	}
	a.done = make(chan outcome, len(a.ways))
	return a
}

// Look asks for a look at everything, also at what no event tells: the time
// that passes, and what happened while nobody watched. It does not wait.
func (a *Alerts) Look() {
	a.shared.mu.Lock()
	a.shared.changes.look = true
	a.shared.mu.Unlock()
	a.rouse()
}

func (a *Alerts) rouse() {
	select {
	case a.wake <- struct{}{}:
	default:
	}
}

// Run watches until ctx ends, and closes the stream. A command that runs then is
// killed; what it was to tell is told after the next start. Run may be called
// again when it has returned.
func (a *Alerts) Run(ctx context.Context, events Stream) {
	var listening sync.WaitGroup
	listening.Go(func() { a.listen(ctx, events) })
	defer listening.Wait()
	defer a.finish(ctx)
	a.book.loaded = false // another host may have told since
	*a.last = looked{postponed: make(map[string]bool), hosts: make(map[string]time.Time)}
	a.Look()
	for {
		select {
		case <-ctx.Done():
			return
		case o := <-a.done:
			a.confirm(o)
		case <-a.wake:
			if err := a.book.load(ctx); err != nil {
				a.readable(ctx, err)
				continue
			}
			a.look(ctx)
		}
		// What is about to be told is noted before, so that it has the same ID if
		// it must be told again.
		a.save(ctx)
		a.dispatch(ctx)
	}
}

// finish waits for deliveries under way and notes those that arrived.
func (a *Alerts) finish(ctx context.Context) {
	a.sending.Wait()
	for len(a.done) > 0 {
		a.confirm(<-a.done)
	}
	a.save(context.WithoutCancel(ctx))
}

func (a *Alerts) save(ctx context.Context) {
	err := a.book.save(ctx)
	if err != nil && !a.book.unsaved && ctx.Err() == nil {
		a.cfg.Log.Warn("what was told is not stored; it is told again after a restart", "error", err)
	}
	a.book.unsaved = err != nil
}

// Figures returns those of this moment, for the ways that the configuration has.
func (a *Alerts) Figures() []Figures {
	a.shared.mu.Lock()
	defer a.shared.mu.Unlock()
	return a.shared.figures
}

func (a *Alerts) now() time.Time { return a.cfg.Now().UTC().Truncate(time.Millisecond) }
