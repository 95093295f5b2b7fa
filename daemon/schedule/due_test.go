package schedule_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/robfig/cron/v3"

	"webex-tokend/daemon/schedule"
)

var issued = time.Date(2026, 11, 2, 10, 0, 0, 0, time.Local)

const day = 24 * time.Hour

func lives(life time.Duration) schedule.Life {
	return schedule.Life{IssuedAt: issued, ExpiresAt: issued.Add(life)}
}

func calendar(t testing.TB, spec string) cron.Schedule {
	t.Helper()
	s, err := cron.ParseStandard(spec)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestARefreshIsDueWithinFivePercentOfItsFraction(t *testing.T) {
	for _, c := range []struct {
		name string
		life time.Duration
		rule schedule.Rule
		want time.Duration
	}{
		{"a 14-day token at half of its life", 14 * day, schedule.Rule{}, 7 * day},
		{"a token of exactly a day at half of its life", day, schedule.Rule{}, 12 * time.Hour},
		{"a 2-hour token at 66 percent", 2 * time.Hour, schedule.Rule{}, 4752 * time.Second},
		{"a 12-second token after 7.9 seconds", 12 * time.Second, schedule.Rule{}, 7920 * time.Millisecond},
		{"a fraction of the operator", 10 * day, schedule.Rule{Fraction: 0.2}, 2 * day},
		{"a distance that lies before the issue, at half", 2 * time.Hour, schedule.Rule{Before: 6 * time.Hour}, time.Hour},
	} {
		t.Run(c.name, func(t *testing.T) {
			for i := range 1000 {
				got := schedule.Due(fmt.Sprintf("grant-%d", i), lives(c.life), c.rule).Sub(issued)
				if got < c.want*95/100 || got > c.want*105/100+1 {
					t.Fatalf("due after %v, want %v", got, c.want)
				}
			}
		})
	}
}

func TestADistanceToTheExpiryHasNoJitter(t *testing.T) {
	for i := range 10 {
		got := schedule.Due(fmt.Sprint(i), lives(14*day), schedule.Rule{Before: 6 * time.Hour})
		if want := issued.Add(14*day - 6*time.Hour); !got.Equal(want) {
			t.Fatalf("due %v, want %v", got, want)
		}
	}
}

func TestJitterSpreadsAFleetAndStaysWithItsGrant(t *testing.T) {
	quarters := make(map[int]int)
	for i := range 1000 {
		name := fmt.Sprintf("tenant-%04d", i)
		due := schedule.Due(name, lives(14*day), schedule.Rule{})
		if !due.Equal(schedule.Due(name, lives(14*day), schedule.Rule{})) {
			t.Fatal("the same grant is due at two times")
		}
		low := issued.Add(7 * day * 95 / 100)
		quarters[int(due.Sub(low)/(7*day/40))]++
	}
	for q := range 4 {
		if quarters[q] < 150 {
			t.Errorf("quarter %d of the spread has %d of 1,000 grants", q, quarters[q])
		}
	}
}

func TestATokenThatDoesNotEndIsNeverDue(t *testing.T) {
	if due := schedule.Due("bot", schedule.Life{IssuedAt: issued}, schedule.Rule{}); !due.IsZero() {
		t.Errorf("due %v", due)
	}
}

func TestNothingIsDueBeforeTheMinimumInterval(t *testing.T) {
	due := schedule.Due("x", lives(12*time.Second), schedule.Rule{MinInterval: time.Minute})
	if got := due.Sub(issued); got != time.Minute {
		t.Errorf("due after %v", got)
	}
}

func TestARefreshIsNeverPlannedBehindTheEndOfItsWindow(t *testing.T) {
	for _, c := range []struct {
		name   string
		window time.Duration
		want   time.Duration
	}{
		{"a window that ends before half of the life is used a day early", 5 * day, 4 * day},
		{"a window that ends later changes nothing", 30 * day, 7 * day},
		{"a window that ends within a day is past saving by haste", 20 * time.Hour, 7 * day},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := lives(14 * day)
			l.WindowEndsAt = issued.Add(c.window)
			got := schedule.Due("x", l, schedule.Rule{}).Sub(issued)
			if got < c.want*95/100 || got > c.want*105/100 {
				t.Errorf("due after %v, want about %v", got, c.want)
			}
		})
	}
}

// A calendar moved the due time behind the window's end, and an answer without
// gain put it there.
func TestNeitherACalendarNorAnAnswerWithoutGainPutsARefreshBehindItsWindow(t *testing.T) {
	l := lives(14 * day)
	l.WindowEndsAt = issued.Add(6 * day)
	for _, spec := range []string{"0 3 * * 0", "0 3 1 * *"} {
		calendar, err := cron.ParseStandard(spec)
		if err != nil {
			t.Fatal(err)
		}
		if due := schedule.Due("ops", l, schedule.Rule{Calendar: calendar}); due.After(l.WindowEndsAt.Add(-day)) {
			t.Errorf("%s: due %v after the issue", spec, due.Sub(issued))
		}
	}
	for age := range 5 {
		now := issued.Add(time.Duration(age) * day)
		if next := schedule.NoGain(now, l, schedule.Rule{}); next.After(l.WindowEndsAt.Add(-day)) {
			t.Errorf("without gain after %d days: next %v after the issue", age, next.Sub(issued))
		}
	}
}

// The last refresh of a window brought nothing, and the next one came days after it.
func TestWhatIsLeftOfAWindowTakesTwoMoreRefreshesAfterOneWithoutGain(t *testing.T) {
	for _, life := range []time.Duration{14 * day, 2 * time.Hour} {
		reserve := min(day, life/10)
		l := lives(life)
		l.WindowEndsAt = issued.Add(life / 2)
		now := l.WindowEndsAt.Add(-reserve)
		for _, left := range []time.Duration{reserve / 2, reserve / 4} {
			now = schedule.NoGain(now, l, schedule.Rule{MinInterval: time.Minute})
			if got := l.WindowEndsAt.Sub(now); got != left {
				t.Errorf("life %v: the next one comes %v before the end of the window, want %v", life, got, left)
			}
		}
		if next := schedule.NoGain(now, l, schedule.Rule{}); next.Before(l.WindowEndsAt) {
			t.Errorf("life %v: there is a third one, %v before the end", life, l.WindowEndsAt.Sub(next))
		}
	}
}

func TestACalendarMovesARefreshToItsNextInstant(t *testing.T) {
	at := func(d int, h, m int) time.Time { return time.Date(2026, 11, d, h, m, 0, 0, time.Local) }
	half := schedule.Rule{Before: 7 * day} // half of 14 days, without jitter: Nov 9, 10:00
	for _, c := range []struct {
		name string
		spec string
		rule schedule.Rule
		life time.Duration
		want time.Time
	}{
		{"the first night after the due time", "0 3 * * *", half, 14 * day, at(10, 3, 0)},
		{"an instant that is the due time itself", "0 10 * * *", half, 14 * day, at(9, 10, 0)},
		{"no instant in time: the last moment that leaves a tenth", "0 3 25 12 *", half, 14 * day, issued.Add(14 * day * 9 / 10)},
		{"an instant too near to the expiry is too late", "0 20 14 11 *", half, 14 * day, at(14, 20, 0)},
		{"short lives leave 15 minutes", "0 0 * * *", schedule.Rule{Before: 30 * time.Minute}, 2 * time.Hour, issued.Add(105 * time.Minute)},
		{"an empty interval: the due time", "0 3 * * *", schedule.Rule{Before: 5 * time.Minute}, 2 * time.Hour, issued.Add(115 * time.Minute)},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.rule.Calendar = calendar(t, c.spec)
			if got := schedule.Due("x", lives(c.life), c.rule); !got.Equal(c.want) {
				t.Errorf("due %v, want %v", got.Local(), c.want)
			}
		})
	}
}

func TestARefreshWithoutGainIsPutOffButNeverPastTheLastTenth(t *testing.T) {
	for _, c := range []struct {
		name string
		life time.Duration
		age  time.Duration
		rule schedule.Rule
		want time.Duration // from now
	}{
		{"half of what is left", 14 * day, 7 * day, schedule.Rule{}, 84 * time.Hour},
		{"at least a day for long lives", 14 * day, 12*day + 8*time.Hour, schedule.Rule{}, 14*day*9/10 - (12*day + 8*time.Hour)},
		{"a day where a fraction would be less", 14 * day, 10 * day, schedule.Rule{Fraction: 0.1}, day},
		{"66 percent of what is left of short lives", 2 * time.Hour, time.Hour, schedule.Rule{}, 2376 * time.Second},
		{"not within the interval even at the very end", 2 * time.Hour, 119 * time.Minute, schedule.Rule{MinInterval: time.Minute}, time.Minute},
	} {
		t.Run(c.name, func(t *testing.T) {
			now := issued.Add(c.age)
			if got := schedule.NoGain(now, lives(c.life), c.rule).Sub(now); got != c.want {
				t.Errorf("next after %v, want %v", got, c.want)
			}
		})
	}
}

func TestOnlyLivesOfADayAndMoreAreLong(t *testing.T) {
	if schedule.LongLived(day-1) || !schedule.LongLived(day) {
		t.Error("the line is not at a day")
	}
}
