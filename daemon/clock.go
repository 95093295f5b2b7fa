package daemon

import (
	"context"
	"time"
)

// followClock lets cron reckon anew when the wall clock is set back. It knows no
// other clock: it would wait until that one is where it was, and nothing would be
// swept, told or backed up for as long. A clock that is put ahead does no harm.
func (j *jobs) followClock(ctx context.Context, wall func(time.Time) time.Time) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	before := time.Now()
	shown := wall(before)
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		now := time.Now()
		passed, seen := now.Sub(before), wall(now).Sub(shown)
		before, shown = now, wall(now)
		if passed-seen >= time.Second {
			j.reckonAnew()
		}
	}
}

// wallClock is what a reading says without its monotonic part.
func wallClock(now time.Time) time.Time { return now.Round(0) }

// reckonAnew makes cron count from now to the next run of each job. Those that
// run go on.
func (j *jobs) reckonAnew() {
	j.mu.Lock()
	defer j.mu.Unlock()
	if !j.ended {
		j.cron.Stop()
		j.cron.Start()
	}
}
