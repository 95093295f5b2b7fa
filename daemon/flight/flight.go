// Package flight keeps track of the exchanges under way: one at most for a grant,
// and whoever wants the same waits for it. It also knows whose exchange was sent
// without an outcome that is durable, which the intents in the store say.
package flight

import (
	"context"
	"errors"
	"sync"
)

// ErrStopping is how an exchange ends that is wanted while the daemon stops.
var ErrStopping = errors.New("the daemon is stopping")

// A Flight is one exchange under way for one grant.
type Flight struct {
	done chan struct{}
	// overtaken: the record was changed by somebody since the flight read it. The
	// mutex of the Flights guards it.
	overtaken bool
	// To be read after done.
	atGate bool
	err    error
}

// Wait returns how the flight ended; atGate: before anything was sent.
func (f *Flight) Wait(ctx context.Context) (atGate bool, err error) {
	select {
	case <-f.done:
		return f.atGate, f.err
	case <-ctx.Done():
		return false, ctx.Err()
	}
}

// Flights are those of all grants. They are safe for concurrent use.
type Flights struct {
	// working ends the waits of exchanges that have not been sent.
	working context.Context
	stop    context.CancelFunc
	tasks   sync.WaitGroup

	mu       sync.Mutex
	stopping bool
	byGrant  map[string]*Flight
	open     map[string]Outcome
}

// New returns flights of which none is under way.
func New() *Flights {
	f := &Flights{byGrant: make(map[string]*Flight), open: make(map[string]Outcome)}
	f.working, f.stop = context.WithCancel(context.Background())
	return f
}

// Start runs an exchange for the grant, or joins the one in flight: joined
// reports which. It runs to its end whether anybody waits or not. The context
// that it is given ends with Stop.
func (f *Flights) Start(name string, exchange func(context.Context) (atGate bool, err error)) (is *Flight, joined bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if is = f.byGrant[name]; is != nil {
		return is, true
	}
	is = &Flight{done: make(chan struct{})}
	if f.stopping {
		is.err = ErrStopping
		close(is.done)
		return is, false
	}
	f.byGrant[name] = is
	f.tasks.Go(func() {
		is.atGate, is.err = exchange(f.working)
		f.mu.Lock()
		delete(f.byGrant, name)
		f.mu.Unlock()
		close(is.done)
	})
	return is, false
}

// Flying reports whether an exchange is under way for the grant.
func (f *Flights) Flying(name string) bool { return f.Of(name) != nil }

// Of returns the flight of a grant; nil: none is under way.
func (f *Flights) Of(name string) *Flight {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.byGrant[name]
}

// Overtake lets a flight know that somebody has just changed the record of its
// grant.
func (f *Flights) Overtake(name string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if is := f.byGrant[name]; is != nil {
		is.overtaken = true
	}
}

// Overtaken reports whether the record was changed since CatchUp; the flight
// itself asks.
func (f *Flights) Overtaken(name string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.byGrant[name].overtaken
}

// CatchUp is to be called by a flight before it reads the record.
func (f *Flights) CatchUp(name string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.byGrant[name].overtaken = false
}

// Idle waits until no exchange is under way.
func (f *Flights) Idle(ctx context.Context) error {
	for {
		is := f.any()
		if is == nil {
			return nil
		}
		select {
		case <-is.done:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (f *Flights) any() *Flight {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, is := range f.byGrant {
		return is
	}
	return nil
}

// Stopping reports whether Stop was called.
func (f *Flights) Stopping() bool { return f.working.Err() != nil }

// Stop lets no further flight begin, and gives up those that were not sent.
func (f *Flights) Stop() {
	f.mu.Lock()
	f.stopping = true
	f.mu.Unlock()
	f.stop()
}

// Wait returns when no flight is under way after Stop.
func (f *Flights) Wait() { f.tasks.Wait() }
