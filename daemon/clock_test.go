package daemon

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/robfig/cron/v3"
)

// After a clock was set back by an hour, cron ran nothing for an hour.
func TestAClockThatIsSetBackMakesCronReckonAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var back atomic.Int64
		var runs atomic.Int64
		j := &jobs{cron: cron.New()}
		ctx, end := context.WithCancel(t.Context())
		j.end = end
		if _, err := j.cron.AddFunc("@every 10m", func() { runs.Add(1) }); err != nil {
			t.Fatal(err)
		}
		j.cron.Start()
		go j.followClock(ctx, func(now time.Time) time.Time { return now.Round(0).Add(-time.Duration(back.Load())) })
		next := func() time.Duration {
			synctest.Wait()
			return time.Until(j.cron.Entries()[0].Next).Round(time.Second)
		}

		time.Sleep(6 * time.Minute)
		if in := next(); in != 4*time.Minute {
			t.Fatalf("the next run is in %v", in)
		}
		back.Store(int64(-time.Hour)) // put ahead
		time.Sleep(2 * time.Second)
		if in := next(); in != 4*time.Minute-2*time.Second {
			t.Errorf("put ahead, the clock has the next run in %v", in)
		}
		back.Store(0)
		time.Sleep(2 * time.Second)
		if in := next(); in < 9*time.Minute || in > 10*time.Minute {
			t.Errorf("set back, the clock has the next run in %v", in)
		}
		time.Sleep(11 * time.Minute)
		if runs.Load() != 1 {
			t.Errorf("ran %d times", runs.Load())
		}
		j.stop()
		back.Store(int64(time.Hour))
		time.Sleep(time.Hour)
		if runs.Load() != 1 {
			t.Error("runs after its end")
		}
	})
}
