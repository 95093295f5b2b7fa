package window_test

import (
	"testing"
	"time"

	"webex-tokend/daemon/window"
	"webex-tokend/store"
)

var start = time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)

const (
	hour = time.Hour
	day  = 24 * hour
)

// seen is an observation at start+at whose window ends at start+end.
func seen(at, end time.Duration) store.Observation {
	return store.Observation{At: start.Add(at), EndsAt: start.Add(end), SameRefresh: true}
}

func TestTheMovementOfAWindowIsDerivedFromWhatAnswersSaid(t *testing.T) {
	fresh := func(o store.Observation) store.Observation { o.SameRefresh = false; return o }
	silent := func(o store.Observation) store.Observation { o.EndsAt = time.Time{}; return o }
	for _, c := range []struct {
		name string
		list []store.Observation
		want store.Movement
	}{
		{"nothing seen is unknown", nil, store.Undetermined},
		{"one observation is unknown", []store.Observation{seen(0, 90*day)}, store.Undetermined},
		{"an end that moves with the clock slides",
			[]store.Observation{seen(0, 90*day), seen(7*day, 97*day)}, store.Sliding},
		{"an end that moved by half the time slides",
			[]store.Observation{seen(0, 90*day), seen(2*day, 91*day)}, store.Sliding},
		{"an end that stays is fixed",
			[]store.Observation{seen(0, 90*day), seen(7*day, 90*day)}, store.Fixed},
		{"whole seconds lost on the way are still fixed",
			[]store.Observation{seen(0, 90*day), seen(7*day, 90*day-time.Second)}, store.Fixed},
		{"an end that moved a little is neither",
			[]store.Observation{seen(0, 90*day), seen(7*day, 91*day)}, store.Undetermined},
		{"an end that came nearer is neither",
			[]store.Observation{seen(0, 90*day), seen(7*day, 60*day)}, store.Undetermined},
		{"twenty seconds apart prove nothing",
			[]store.Observation{seen(0, 60*day), seen(20*time.Second, 60*day)}, store.Undetermined},
		{"an hour apart is enough",
			[]store.Observation{seen(0, 60*day), seen(hour, 60*day)}, store.Fixed},
		{"a new refresh token starts afresh",
			[]store.Observation{seen(0, 90*day), fresh(seen(7*day, 97*day))}, store.Undetermined},
		{"after a new refresh token only its own observations count",
			[]store.Observation{seen(0, 30*day), fresh(seen(7*day, 97*day)), seen(14*day, 97*day)}, store.Fixed},
		{"a window that stopped sliding is found out by the latest day",
			[]store.Observation{seen(0, 90*day), seen(20*day, 110*day), seen(22*day, 110*day)}, store.Fixed},
		{"a window that is extended once a day slides although the last hour was still",
			[]store.Observation{seen(0, 90*day), seen(day, 91*day), seen(day+hour, 91*day)}, store.Sliding},
		{"an answer without a number proves nothing",
			[]store.Observation{seen(0, 90*day), silent(seen(7*day, 0))}, store.Undetermined},
		{"an answer without a number is passed over",
			[]store.Observation{seen(0, 90*day), silent(seen(7*day, 0)), seen(14*day, 104*day)}, store.Sliding},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := (&store.Record{Observations: c.list}).Movement(); got != c.want {
				t.Errorf("derived %s, want %s", got, c.want)
			}
		})
	}
}

func TestAtMostOneObservationADayIsKeptAndThirtyTwoInAll(t *testing.T) {
	var list []store.Observation
	for i := range 100 * 18 { // a refresh each 80 minutes for 100 days
		at := time.Duration(i) * 80 * time.Minute
		list = window.Observe(list, seen(at, 60*day+at))
	}
	if len(list) != store.MaxObservations {
		t.Fatalf("%d observations kept", len(list))
	}
	for i := 1; i < len(list)-1; i++ {
		if gap := list[i].At.Sub(list[i-1].At); gap < day {
			t.Fatalf("observations %d and %d are %v apart", i-1, i, gap)
		}
	}
	if got := (&store.Record{Observations: list}).Movement(); got != store.Sliding {
		t.Errorf("derived %s", got)
	}
}

func TestTheNewestObservationIsAlwaysKept(t *testing.T) {
	list := window.Observe(nil, seen(0, 90*day))
	list = window.Observe(list, seen(2*hour, 91*day))
	list = window.Observe(list, seen(3*hour, 92*day))
	if len(list) != 2 || !list[1].At.Equal(start.Add(3*hour)) {
		t.Errorf("kept %v", list)
	}
}

func TestAnObservationThatGaveWayDoesNotHideThatTheTokenChanged(t *testing.T) {
	list := window.Observe(nil, seen(0, 90*day))
	changed := seen(2*hour, 92*day)
	changed.SameRefresh = false
	list = window.Observe(list, changed)
	list = window.Observe(list, seen(3*hour, 92*day))
	if list[len(list)-1].SameRefresh {
		t.Error("the refresh token seems to be the same as at first")
	}
}

func TestObserveLeavesTheGivenListAlone(t *testing.T) {
	list := []store.Observation{seen(0, 1), seen(hour, 2)}
	window.Observe(list, seen(2*hour, 3))
	if !list[1].At.Equal(start.Add(hour)) {
		t.Error("the list was changed")
	}
}
