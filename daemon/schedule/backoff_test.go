package schedule_test

import (
	"testing"
	"time"

	"webex-tokend/daemon/schedule"
)

func TestBackoffDoublesWithinWhatIsLeft(t *testing.T) {
	rule := schedule.Rule{MinInterval: time.Minute}
	for _, c := range []struct {
		name     string
		failures uint64
		left     time.Duration
		rule     schedule.Rule
		retry    time.Duration
		want     time.Duration
	}{
		{"a minute at first", 1, 7 * day, rule, 0, time.Minute},
		{"doubling", 4, 7 * day, rule, 0, 8 * time.Minute},
		{"up to an hour", 30, 7 * day, rule, 0, time.Hour},
		{"after more failures than a shift can hold", 1 << 40, 7 * day, rule, 0, time.Hour},
		{"a twentieth of what is left", 30, 40 * time.Minute, rule, 0, 2 * time.Minute},
		{"never below half a minute", 30, time.Minute, rule, 0, 30 * time.Second},
		{"nor below a shorter interval", 30, 4 * time.Second, schedule.Rule{MinInterval: time.Second}, 0, time.Second},
		{"ten minutes at most once expired", 30, -time.Hour, rule, 0, 10 * time.Minute},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := schedule.Setback{Name: "x", Failures: c.failures, At: issued, ExpiresAt: issued.Add(c.left), RetryAfter: c.retry}
			got := schedule.Backoff(s, c.rule).Sub(issued)
			if got < c.want*8/10 || got > c.want*12/10 {
				t.Errorf("next after %v, want %v give or take a fifth", got, c.want)
			}
		})
	}
}

func TestRetryAfterIsAFloorOfEveryPause(t *testing.T) {
	s := schedule.Setback{Name: "x", Failures: 1, At: issued, ExpiresAt: issued.Add(time.Minute), RetryAfter: 3 * time.Hour}
	for name, next := range map[string]func(schedule.Setback, schedule.Rule) time.Time{
		"Backoff": schedule.Backoff, "AfterRejection": schedule.AfterRejection, "AfterExhaustion": schedule.AfterExhaustion,
	} {
		if got := next(s, schedule.Rule{}).Sub(issued); got != 3*time.Hour {
			t.Errorf("%s: next after %v", name, got)
		}
	}
}

func TestThreeRefusalsLieAtLeastTenMinutesApart(t *testing.T) {
	for _, name := range []string{"a", "b", "tenant-17"} {
		at := issued
		for range 2 {
			at = schedule.AfterRejection(schedule.Setback{Name: name, At: at}, schedule.Rule{})
		}
		if spread := at.Sub(issued); spread < 10*time.Minute || spread > 12*time.Minute {
			t.Errorf("%s: three refusals spread over %v", name, spread)
		}
	}
}

func TestTooManyTokensMeansAnHourOfPatience(t *testing.T) {
	next := schedule.AfterExhaustion(schedule.Setback{Name: "x", At: issued}, schedule.Rule{})
	if wait := next.Sub(issued); wait < time.Hour {
		t.Errorf("next after %v", wait)
	}
}
