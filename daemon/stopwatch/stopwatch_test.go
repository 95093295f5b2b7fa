package stopwatch_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"webex-tokend/daemon/stopwatch"
)

func TestARunningProcessTimesOutAfterThatLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, d := range []time.Duration{10 * time.Millisecond, time.Second, 30 * time.Second, 5 * time.Minute} {
			begun := time.Now()
			ctx, cancel := stopwatch.WithTimeout(t.Context(), d)
			<-ctx.Done()
			if took := time.Since(begun); took < d || took > d+time.Second {
				t.Errorf("%s takes %s", d, took)
			}
			if !errors.Is(ctx.Err(), context.DeadlineExceeded) {
				t.Errorf("it ends with %v", ctx.Err())
			}
			cancel()
		}
	})
}

func TestACallerWhoLeavesEndsItAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		parent, leave := context.WithCancel(t.Context())
		ctx, cancel := stopwatch.WithTimeout(parent, time.Hour)
		defer cancel()
		if ctx.Err() != nil {
			t.Fatal(ctx.Err())
		}
		leave()
		<-ctx.Done()
		if !errors.Is(ctx.Err(), context.Canceled) {
			t.Errorf("it ends with %v", ctx.Err())
		}
		mine, cancelMine := stopwatch.WithTimeout(t.Context(), time.Hour)
		cancelMine()
		if <-mine.Done(); !errors.Is(mine.Err(), context.Canceled) {
			t.Errorf("it ends with %v", mine.Err())
		}
	})
}
