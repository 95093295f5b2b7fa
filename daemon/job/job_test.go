package job_test

import (
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/robfig/cron/v3"
	"go.uber.org/goleak"

	"webex-tokend/daemon/job"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A clock is one that somebody sets.
type clock struct{ back atomic.Int64 }

func (c *clock) wall(reading time.Time) time.Time {
	return reading.Round(0).Add(-time.Duration(c.back.Load()))
}

func parse(t *testing.T, spec string) cron.Schedule {
	t.Helper()
	s, err := job.Parse(spec)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// After a clock was set back by an hour, cron ran nothing for an hour.
func TestAClockThatIsSetBackHoldsNoJobUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var runs atomic.Int64
		c := new(clock)
		table := job.NewTable(job.Config{Wall: c.wall})
		defer table.Stop()
		j := table.Start(parse(t, "@every 10m"), func() { runs.Add(1) })
		next := func() time.Duration {
			synctest.Wait()
			return j.Next().Sub(c.wall(time.Now())).Round(time.Second)
		}
		time.Sleep(6 * time.Minute)
		if in := next(); in != 4*time.Minute {
			t.Fatalf("the next run is in %v", in)
		}
		c.back.Store(int64(time.Hour))
		time.Sleep(2 * time.Minute)
		if in := next(); in < 8*time.Minute || in > 10*time.Minute {
			t.Errorf("set back, the clock has the next run in %v", in)
		}
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		if n := runs.Load(); n != 1 {
			t.Errorf("it ran %d times within 18 minutes", n)
		}
		c.back.Store(0) // put ahead by an hour: what has passed meanwhile runs once
		time.Sleep(time.Minute)
		synctest.Wait() // the job wakes in the same instant
		if n := runs.Load(); n != 2 {
			t.Errorf("put ahead, it ran %d times", n)
		}
	})
}

func TestAJobRunsAtTheInstantsOfItsSpec(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		table := job.NewTable(job.Config{})
		var at []time.Time
		j := table.Start(parse(t, "0 3 * * *"), func() { at = append(at, time.Now()) })
		time.Sleep(3 * 24 * time.Hour)
		j.Reschedule(parse(t, "@every 90s"))
		time.Sleep(10 * time.Minute)
		j.Reschedule(nil)
		time.Sleep(time.Hour)
		table.Stop()
		if len(at) != 3+6 {
			t.Fatalf("it ran at %v", at)
		}
		for _, nightly := range at[:3] {
			if h, m, s := nightly.Local().Clock(); h != 3 || m != 0 || s != 0 {
				t.Errorf("it ran at %v", nightly)
			}
		}
		for i, run := range at[4:] {
			if pause := run.Sub(at[3+i]); pause != 90*time.Second {
				t.Errorf("it ran %v after the run before", pause)
			}
		}
	})
}

func TestARunThatTakesLongTakesThePlaceOfOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		table := job.NewTable(job.Config{})
		var runs, running atomic.Int64
		table.Start(parse(t, "@every 1s"), func() {
			if running.Add(1) > 1 {
				t.Error("it runs twice at a time")
			}
			time.Sleep(10 * time.Second)
			running.Add(-1)
			runs.Add(1)
		})
		time.Sleep(time.Minute)
		table.Stop()
		if n := runs.Load(); n < 5 || n > 6 {
			t.Errorf("it ran %d times", n)
		}
	})
}

func TestAJobThatPanicsRunsAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		table := job.NewTable(job.Config{})
		var runs atomic.Int64
		table.Start(parse(t, "@every 1m"), func() {
			runs.Add(1)
			panic("for the test")
		})
		time.Sleep(5*time.Minute + time.Second)
		table.Stop()
		if n := runs.Load(); n != 5 {
			t.Errorf("it ran %d times", n)
		}
	})
}
