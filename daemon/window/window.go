// Package window tells from the answers of a token endpoint how the refresh
// window of a grant behaves. All functions are pure.
//
// Webex contradicts itself here: its documentation says that use renews the
// window, its own logs show windows that did not move. So nothing is believed
// beforehand, and "just refreshed" never means "full window".
package window

import (
	"time"

	"webex-tokend/store"
)

// A Movement is what refreshing does to the end of the window.
type Movement string

const (
	Sliding Movement = "sliding" // each refresh moves the end
	Fixed   Movement = "fixed"   // the end stays whatever we do
	Unknown Movement = "unknown" // not seen long enough, or neither
)

const (
	// apart is how far two observations must lie from each other to be compared.
	apart = time.Hour
	// day is the distance between observations that are kept.
	day = 24 * time.Hour
	// still is how little an end may move and count as fixed; lives come in
	// whole seconds and are counted from when the request was sent.
	still = time.Minute
)

// Observe adds what an answer said. The newest observation is always in the
// list; of the earlier ones at most one a day is kept, and at most
// store.MaxObservations in all. The given list is not changed.
func Observe(list []store.Observation, o store.Observation) []store.Observation {
	kept := append(make([]store.Observation, 0, len(list)+1), list...)
	if n := len(kept); n >= 2 && kept[n-1].At.Sub(kept[n-2].At) < day {
		// The last one is not a day away from its predecessor: it gives way.
		// What comes after it is compared with the predecessor from now on.
		o.SameRefresh = o.SameRefresh && kept[n-1].SameRefresh
		kept = kept[:n-1]
	}
	kept = append(kept, o)
	if over := len(kept) - store.MaxObservations; over > 0 {
		kept = kept[over:]
	}
	return kept
}

// Derive judges by the newest observation and an earlier one of the same
// refresh token: the latest that is a day older, else the oldest that is an
// hour older. A new refresh token starts afresh.
func Derive(list []store.Observation) Movement {
	if len(list) == 0 {
		return Unknown
	}
	newest := list[len(list)-1]
	earlier, ok := reference(list)
	if !ok || newest.EndsAt.IsZero() {
		return Unknown
	}
	elapsed := newest.At.Sub(earlier.At)
	moved := newest.EndsAt.Sub(earlier.EndsAt)
	switch {
	case moved >= elapsed/2:
		return Sliding
	case moved.Abs() <= still:
		return Fixed
	}
	return Unknown
}

func reference(list []store.Observation) (found store.Observation, ok bool) {
	newest := list[len(list)-1]
	same := newest.SameRefresh
	for i := len(list) - 2; i >= 0 && same; i-- {
		o := list[i]
		same = o.SameRefresh
		age := newest.At.Sub(o.At)
		if age < apart || o.EndsAt.IsZero() {
			continue
		}
		found, ok = o, true
		if age >= day {
			break
		}
	}
	return found, ok
}
