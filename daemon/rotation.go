package daemon

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
}

// resumeRotation goes on with what the last stop interrupted.
func (d *daemon) resumeRotation(ctx context.Context) {
	if d.ring.Rotating() {
		d.startRotation(ctx)
	}
}

func (d *daemon) startRotation(ctx context.Context) (ended chan struct{}) {
	r := &d.rotation
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.ended != nil {
		return r.ended
	}
	ended = make(chan struct{})
	r.ended, r.done, r.err = ended, 0, nil
	d.tasks.Go(func() {
		// The anchor first: it must open when the old key is gone.
		err := d.anchor.Raise(ctx)
		if err == nil {
			err = d.ring.Retire(ctx, d.store, func(done int) {
				r.mu.Lock()
				defer r.mu.Unlock()
				r.done = done
			})
		}
		switch {
		case err == nil:
			d.log.Info("keys rotated, the old ones are gone")
		case ctx.Err() == nil:
			d.log.Error("keys not rotated to the end", "error", err)
		}
		r.mu.Lock()
		r.ended, r.err = nil, err
		r.mu.Unlock()
		close(ended)
	})
	return ended
}

// rotate makes a new key, or joins the rotation under way, and tells how far it
// is until it ends. It goes on when ctx ends.
func (d *daemon) rotate(ctx context.Context, tell func(wire.Rotation) error) error {
	if err := d.ring.Renew(ctx); err != nil {
		return err
	}
	ended := d.startRotation(d.watching)
	counts, _, err := d.store.Counts(ctx)
	if err != nil {
		return err
	}
	of := 0
	for _, states := range counts {
		for _, n := range states {
			of += n
		}
	}
	tick := time.NewTicker(time.Second / 4)
	defer tick.Stop()
	for {
		d.rotation.mu.Lock()
		now := wire.Rotation{Records: d.rotation.done, Of: max(of, d.rotation.done)}
		err := d.rotation.err
		d.rotation.mu.Unlock()
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
