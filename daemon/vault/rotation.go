package vault

import (
	"context"
	"errors"
	"sync"
	"time"

	"webex-tokend/daemon/wire"
	"webex-tokend/store/seal"
)

// A rotation is the one that is under way, or none.
type rotation struct {
	mu    sync.Mutex
	done  int
	ended chan struct{} // nil: none is under way
	err   error

	running sync.WaitGroup
}

// ResumeRotation goes on, until working ends, with what the last stop
// interrupted.
func (v *Vault) ResumeRotation(working context.Context) {
	if v.ring.Rotating() {
		v.startRotation(working)
	}
}

// Idle waits until no rotation is under way, which is soon after its context
// has ended.
func (v *Vault) Idle() { v.rotation.running.Wait() }

func (v *Vault) startRotation(ctx context.Context) (ended chan struct{}) {
	r := &v.rotation
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.ended != nil {
		return r.ended
	}
	ended = make(chan struct{})
	r.ended, r.done, r.err = ended, 0, nil
	r.running.Go(func() {
		// The anchor first: it must open when the old key is gone.
		err := v.anchor.Raise(ctx)
		if err == nil && v.cfg.Renewed != nil {
			// A host that seals by the old key, or has an answer on its disk that is
			// sealed by it, could never be read again.
			err = v.cfg.Renewed(ctx, v.ring.Epoch())
		}
		if err == nil {
			err = v.ring.Retire(ctx, v.store, func(done int) {
				r.mu.Lock()
				defer r.mu.Unlock()
				r.done = done
			})
		}
		switch {
		case err == nil:
			v.log.Info("keys rotated, the old ones are gone")
		case ctx.Err() == nil:
			v.log.Error("keys not rotated to the end", "error", err)
		}
		r.mu.Lock()
		r.ended, r.err = nil, err
		r.mu.Unlock()
		close(ended)
	})
	return ended
}

// Rotate makes a new key, or joins the rotation under way, and tells how far it
// is until it ends. It goes on when ctx ends, until working does.
func (v *Vault) Rotate(ctx, working context.Context, tell func(wire.Rotation) error) error {
	if err := v.ring.Renew(ctx); err != nil {
		return err
	}
	ended := v.startRotation(working)
	of, err := v.store.Grants(ctx)
	if err != nil {
		return err
	}
	tick := time.NewTicker(time.Second / 4)
	defer tick.Stop()
	for {
		v.rotation.mu.Lock()
		now := wire.Rotation{Records: v.rotation.done, Of: max(of, v.rotation.done)}
		err := v.rotation.err
		v.rotation.mu.Unlock()
		select {
		case <-ended:
			now.Done = err == nil
			if errors.Is(err, seal.ErrKept) {
				now.Kept = err.Error()
				err = nil
			}
			return errors.Join(err, tell(now))
		default:
		}
		if err := tell(now); err != nil {
			return err
		}
		select {
		case <-ended:
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
