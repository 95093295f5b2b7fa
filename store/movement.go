package store

import "time"

// A Movement describes the effect of a refresh on the end of a refresh window.
type Movement string

const (
	Sliding      Movement = "sliding" // each refresh moves the end
	Fixed        Movement = "fixed"   // the end stays whatever we do
	Undetermined Movement = "unknown" // not seen long enough, or neither
)

const (
	// apart is how far two observations must lie from each other to be compared.
	apart = time.Hour
	// fullDay is the distance at which the comparison is best.
	fullDay = 24 * time.Hour
	// still is how little an end may move and count as fixed; lives come in
	// whole seconds and are counted from when the request was sent.
	still = time.Minute
)

// Movement judges by the newest observation and an earlier one of the same
// refresh token: the latest that is a day older, else the oldest that is an
// hour older. A new refresh token starts afresh.
func (r *Record) Movement() Movement {
	if len(r.Observations) == 0 {
		return Undetermined
	}
	newest := r.Observations[len(r.Observations)-1]
	earlier, ok := reference(r.Observations)
	if !ok || newest.EndsAt.IsZero() {
		return Undetermined
	}
	elapsed := newest.At.Sub(earlier.At)
	moved := newest.EndsAt.Sub(earlier.EndsAt)
	switch {
	case moved >= elapsed/2:
		return Sliding
	case moved.Abs() <= still:
		return Fixed
	}
	return Undetermined
}

func reference(list []Observation) (found Observation, ok bool) {
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
		if age >= fullDay {
			break
		}
	}
	return found, ok
}
