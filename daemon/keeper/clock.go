package keeper

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
// that waits for one is lost. So the keeper looks for such jumps and lets all
// grants that were touched under the wrong clock fall due at once.

const (
	// clockNotes is how often the store learns the time, for the next start.
	clockNotes = time.Hour
	clockBlob  = "clock"
)

// A clock watches the wall clock by the one that nobody sets. The zero clock
// has seen nothing yet.
type clock struct {
	mu      sync.Mutex
	wall    time.Time
	running time.Time // with its monotonic reading
	noted   time.Time // by the wall clock
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
	c.noted = time.Time{}
	return back
}

// toNote tells whether it is time to note the time.
func (c *clock) toNote(wall time.Time) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.noted.IsZero() && wall.Sub(c.noted) < clockNotes {
		return false
	}
	c.noted = wall
	return true
}

// watchClock reacts to a clock that was set back while the daemon ran, and
// notes the time where the next start finds it.
func (k *Keeper) watchClock(ctx context.Context, now time.Time) {
	if back := k.clock.setBack(now); back > 0 {
		k.log.Warn("the clock was set back; grants that were refreshed before are refreshed anew", "by", back.Round(time.Second).String())
		k.setPausesBack(back)
		k.startReindex(k.config.Load(), true)
	}
	if k.clock.toNote(now) {
		if err := k.noteClock(ctx, now); err != nil {
			k.log.Warn("time not noted", "error", err)
		}
	}
}

// setPausesBack keeps what is waited for in memory as long as it is.
func (k *Keeper) setPausesBack(by time.Duration) {
	k.trust.SetBack(by)
	k.States.SetBack(by)
	k.circuits.SetBack(by)
	k.endpoints.SetBack(by)
	k.mu.Lock()
	defer k.mu.Unlock()
	for name, notBefore := range k.mints {
		k.mints[name] = notBefore.Add(-by)
	}
}

// noteClock stores the time: milliseconds since the epoch, 8 bytes big-endian.
func (k *Keeper) noteClock(ctx context.Context, now time.Time) error {
	blob, err := k.store.Blob(ctx, clockBlob)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return err
	}
	_, err = k.store.SwapBlob(ctx, clockBlob, blob.Revision, binary.BigEndian.AppendUint64(nil, uint64(now.UnixMilli())))
	return err
}

// wokeInThePast tells whether the clock is behind what the store remembers.
func (k *Keeper) wokeInThePast(ctx context.Context) (bool, error) {
	blob, err := k.store.Blob(ctx, clockBlob)
	if errors.Is(err, store.ErrNotFound) || err == nil && len(blob.Value) != 8 {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	noted := time.UnixMilli(int64(binary.BigEndian.Uint64(blob.Value))).UTC()
	if !outcome.Ahead(noted, k.now()) {
		return false, nil
	}
	k.log.Warn("the clock is behind that of the last run; grants that were refreshed then are refreshed anew", "last_run", wire.Stamp(noted))
	return true, nil
}
