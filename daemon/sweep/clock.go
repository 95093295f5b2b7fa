package sweep

import (
	"context"
	"encoding/binary"
	"errors"
	"sync"
	"time"

	"webex-tokend/daemon/outcome"
	"webex-tokend/daemon/wire"
	"webex-tokend/store"
)

// Every instant in the store is one of the wall clock, and that may be wrong:
// before a host has asked its time servers, after its battery ran empty, when
// somebody sets it. A clock that jumps forward makes grants fall due early, at
// worst each of them once; so does the end of a suspend. One that jumps back
// leaves instants behind that lie in a future which is years away, and a grant
// that waits for one is lost. So the sweep looks for such jumps and lets all
// grants that were touched under the wrong clock fall due at once.

const (
	// clockNotes is how often the store learns the time, for the next start.
	clockNotes = time.Hour
	clockBlob  = "clock"
)

// A clock watches the wall clock by the one that nobody sets. The zero clock
// has seen nothing yet.
type clock struct {
	mu       sync.Mutex
	wall     time.Time
	running  time.Time // with its monotonic reading
	storedAt time.Time // by the wall clock
}

// setBack returns by how much the wall clock was set back since the last call,
// 0 for less than the tolerance.
func (c *clock) setBack(wall time.Time) time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	running := time.Now()
	var back time.Duration
	if !c.wall.IsZero() {
		back = running.Sub(c.running) - wall.Sub(c.wall)
	}
	c.wall, c.running = wall, running
	if back < outcome.ClockTolerance {
		return 0
	}
	c.storedAt = time.Time{}
	return back
}

// storeDue reports whether it is time to store the time.
func (c *clock) storeDue(wall time.Time) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.storedAt.IsZero() && wall.Sub(c.storedAt) < clockNotes {
		return false
	}
	c.storedAt = wall
	return true
}

// watchClock reacts to a clock that was set back while the daemon ran, and
// stores the time where the next start finds it.
func (w *Sweeper) watchClock(ctx context.Context, now time.Time) {
	if back := w.clock.setBack(now); back > 0 {
		w.cfg.Log.Warn("the clock was set back; grants that were refreshed before are refreshed anew", "by", back.Round(time.Second).String())
		w.setPausesBack(back)
		w.startReindex(w.cfg.Config(), true)
	}
	if w.clock.storeDue(now) {
		if err := w.storeClock(ctx, now); err != nil {
			w.cfg.Log.Warn("time not stored", "error", err)
		}
	}
}

// setPausesBack keeps what is waited for in memory as long as it is.
func (w *Sweeper) setPausesBack(by time.Duration) {
	w.cfg.Trust.SetBack(by)
	w.cfg.States.SetBack(by)
	w.cfg.Circuits.SetBack(by)
	w.cfg.Endpoints.SetBack(by)
	w.mu.Lock()
	defer w.mu.Unlock()
	for name, m := range w.mints {
		m.notBefore = m.notBefore.Add(-by)
		w.mints[name] = m
	}
}

// storeClock stores the time: milliseconds since the epoch, 8 bytes big-endian.
func (w *Sweeper) storeClock(ctx context.Context, now time.Time) error {
	blob, err := w.cfg.Store.Blob(ctx, clockBlob)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return err
	}
	_, err = w.cfg.Store.SwapBlob(ctx, clockBlob, blob.Revision, binary.BigEndian.AppendUint64(nil, uint64(now.UnixMilli())))
	return err
}

// wokeInThePast reports whether the clock is behind what the store remembers.
func (w *Sweeper) wokeInThePast(ctx context.Context) (bool, error) {
	blob, err := w.cfg.Store.Blob(ctx, clockBlob)
	if errors.Is(err, store.ErrNotFound) || err == nil && len(blob.Value) != 8 {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	lastRun := time.UnixMilli(int64(binary.BigEndian.Uint64(blob.Value))).UTC()
	if !outcome.Ahead(lastRun, w.cfg.Now()) {
		return false, nil
	}
	w.cfg.Log.Warn("the clock is behind that of the last run; grants that were refreshed then are refreshed anew", "last_run", wire.Stamp(lastRun))
	return true, nil
}
