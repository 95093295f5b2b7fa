package verdict

import "time"

// CompareEnds orders instants at which something ends, the nearest first and what
// never ends, the zero time, last.
func CompareEnds(a, b time.Time) int {
	switch {
	case a.IsZero() && b.IsZero():
		return 0
	case a.IsZero():
		return 1
	case b.IsZero():
		return -1
	}
	return a.Compare(b)
}
