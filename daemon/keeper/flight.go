package keeper

import (
	"context"
	"errors"
)

// A cause is why a refresh starts. Each may pass gates that others may not.
type cause int

const (
	scheduled cause = iota // the sweep found it due: all gates hold
	demanded               // a consumer wants a longer life than is left
	ordered                // the operator said so: exempt from budget and interval
	resumed                // an intent was found open: exempt like an order
)

// A flight is one exchange under way for one grant; whoever wants the same
// waits for it.
type flight struct {
	done chan struct{}
	// overtaken: the record was changed by somebody since the flight read it. The
	// keeper's mutex guards it.
	overtaken bool
	// To be read after done. atGate: it ended before anything was sent.
	atGate bool
	err    error
}

func (f *flight) wait(ctx context.Context) (atGate bool, err error) {
	select {
	case <-f.done:
		return f.atGate, f.err
	case <-ctx.Done():
		return false, ctx.Err()
	}
}

var errStopping = errors.New("the daemon is stopping")

// fly starts an exchange for the grant, or joins the one in flight: joined
// tells which. It runs to its end whether anybody waits or not.
func (k *Keeper) fly(name string, why cause) (f *flight, joined bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if f = k.flights[name]; f != nil {
		return f, true
	}
	f = &flight{done: make(chan struct{})}
	if k.stopping {
		f.err = errStopping
		close(f.done)
		return f, false
	}
	k.flights[name] = f
	k.tasks.Go(func() {
		f.atGate, f.err = k.exchange(k.working, name, why)
		k.mu.Lock()
		delete(k.flights, name)
		k.mu.Unlock()
		close(f.done)
	})
	return f, false
}

// flying tells whether an exchange is under way for the grant.
func (k *Keeper) flying(name string) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.flights[name] != nil
}

// overtake tells a flight that somebody has just changed the record of its grant.
func (k *Keeper) overtake(name string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if f := k.flights[name]; f != nil {
		f.overtaken = true
	}
}

func (k *Keeper) overtaken(name string) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.flights[name].overtaken
}

// catchUp is to be called before a flight reads the record.
func (k *Keeper) catchUp(name string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.flights[name].overtaken = false
}

// refresh runs an exchange for one caller. A flight that it joined may have
// ended at a gate that this caller passes; then its own one follows.
func (k *Keeper) refresh(ctx context.Context, name string, why cause) error {
	f, joined := k.fly(name, why)
	atGate, err := f.wait(ctx)
	if joined && atGate {
		f, _ = k.fly(name, why)
		_, err = f.wait(ctx)
	}
	return err
}
