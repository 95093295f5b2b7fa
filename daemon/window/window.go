// Package window keeps what the answers of a token endpoint say about the
// refresh window of a grant; store.Record.Movement judges by it. All functions
// are pure.
//
// Webex contradicts itself here: its documentation says that use renews the
// window, its own logs show windows that did not move. So nothing is believed
// beforehand, and "just refreshed" never means "full window".
package window

import (
	"time"

	"webex-tokend/store"
)

// day is the distance between observations that are kept.
const day = 24 * time.Hour

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
