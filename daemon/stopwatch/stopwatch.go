// Package stopwatch bounds waiting by the time in which the process could run.
//
// A process that is stopped, by SIGSTOP, a frozen container or a paused virtual
// machine, finds all its deadlines passed when it goes on, and an answer that
// arrived meanwhile still in the socket. A deadline that fires first throws that
// answer away, and with it perhaps the only copy of a rotated token.
package stopwatch

import (
	"context"
	"time"
)

// longestTick is the longest step in which time is counted.
const longestTick = time.Second

// WithTimeout returns a context that ends with context.DeadlineExceeded when
// the process has run for d, rounded up to a step of a second at most, and else
// as parent does. It has no Deadline: when it ends, the clock cannot tell. The
// caller must call cancel, which waits for nothing.
func WithTimeout(parent context.Context, d time.Duration) (ctx context.Context, cancel context.CancelFunc) {
	caused, end := context.WithCancelCause(parent)
	go func() {
		if run(caused, d) {
			end(context.DeadlineExceeded)
		}
	}()
	return timed{caused}, func() { end(context.Canceled) }
}

// run counts until the process has run for d; false: ctx ended before.
func run(ctx context.Context, d time.Duration) bool {
	tick := min(longestTick, max(d/30, time.Millisecond))
	timer := time.NewTimer(tick)
	defer timer.Stop()
	for left := d; left > 0; {
		before := time.Now()
		select {
		case <-timer.C:
		case <-ctx.Done():
			return false
		}
		// A step that took far too long had a stop in it. It does not count, and
		// the next one begins now: whatever arrived during the stop has at least
		// that long to be read.
		if time.Since(before) < tick+longestTick/2 {
			left -= tick
		}
		timer.Reset(tick)
	}
	return true
}

// A timed context says by Err what its cause is, as one with a deadline does.
type timed struct{ context.Context }

func (t timed) Err() error {
	if t.Context.Err() == nil {
		return nil
	}
	return context.Cause(t.Context)
}
