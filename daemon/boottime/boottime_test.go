package boottime

import (
	"testing"
	"time"
)

func TestTheClockThatMovedMostIsBelieved(t *testing.T) {
	noon := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	from := Mark{time.Hour, noon}
	for _, c := range []struct {
		name string
		to   Mark
		want time.Duration
	}{
		{"both clocks agree", Mark{time.Hour + 3*time.Second, noon.Add(3 * time.Second)}, 3 * time.Second},
		{"the wall clock was set back", Mark{time.Hour + time.Second, noon.Add(-time.Minute)}, time.Minute},
		{"the wall clock was put ahead", Mark{time.Hour + time.Second, noon.Add(time.Minute)}, time.Minute},
		{"a frozen machine whose wall clock was set right", Mark{time.Hour, noon.Add(time.Hour)}, time.Hour},
		{"a suspend that the wall clock does not show", Mark{2 * time.Hour, noon.Add(time.Second)}, time.Hour},
	} {
		if got := passed(from, c.to); got != c.want {
			t.Errorf("%s: %v have passed, want %v", c.name, got, c.want)
		}
	}
}

func TestTheBootClockGoesOn(t *testing.T) {
	before := Now()
	if before <= 0 || Now() < before {
		t.Errorf("it went from %v to %v", before, Now())
	}
}
