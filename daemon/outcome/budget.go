package outcome

import (
	"time"

	"webex-tokend/daemon/schedule"
	"webex-tokend/store"
)

// Budget is how long a grant has to wait for its next refresh of the day; not
// above zero: it need not.
func Budget(r *store.Record, now time.Time) time.Duration {
	t := r.Token
	if t.ExpiresAt.IsZero() || !schedule.LongLived(t.ExpiresAt.Sub(t.IssuedAt)) || !now.Before(t.ExpiresAt) {
		return 0
	}
	return Remaining(r.LastRefreshAt, Day, now)
}

// Remaining is what is left of a pause that began then. A pause that seems to
// have begun in the future was begun under a wrong clock and is over.
func Remaining(begun time.Time, pause time.Duration, now time.Time) time.Duration {
	if Ahead(begun, now) {
		return 0
	}
	return begun.Add(pause).Sub(now)
}
