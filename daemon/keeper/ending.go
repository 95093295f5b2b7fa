package keeper

import (
	"time"

	"webex-tokend/daemon/outcome"
	"webex-tokend/store"
)

// Reasons of grants that are well and will not stay so without a human.
const (
	reasonWindowEnds = "window_ends"
	reasonTokenEnds  = "token_ends"
)

// endNear is how near an end is when somebody should act, as for the command
// check; of what is short from the beginning, the last quarter.
const endNear = 14 * outcome.Day

// ending returns why a grant that is well needs a human soon: its end is near,
// and no refresh moves it. Empty: it does not.
func ending(r *store.Record, now time.Time) string {
	end := r.EndsAt()
	if end.IsZero() || moves(r, store.OK) {
		return ""
	}
	reason, whole := reasonWindowEnds, end.Sub(r.Refresh.FirstSeen)
	if r.Refresh.Value.Empty() {
		reason, whole = reasonTokenEnds, end.Sub(r.Token.IssuedAt)
	}
	for _, o := range r.Observations {
		if !o.EndsAt.IsZero() {
			whole = max(whole, o.EndsAt.Sub(o.At))
		}
	}
	if end.Sub(now) >= min(endNear, whole/4) {
		return ""
	}
	return reason
}
