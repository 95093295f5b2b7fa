package outcome

import (
	"time"

	"webex-tokend/daemon/provider"
	"webex-tokend/store"
)

// HeldUp reports whether the grant has no live token, and whether that may be the
// endpoint's fault, or that of the way to it: nothing was said against its refresh
// token, nor against its account.
func HeldUp(r *store.Record, now time.Time) bool {
	live := !r.Token.Access.Empty() && (r.Token.ExpiresAt.IsZero() || now.Before(r.Token.ExpiresAt))
	return !live && r.Failures > 0 && r.Rejection.Count == 0 && r.ReauthorizeSince.IsZero() && r.Reason != provider.CodeTokenLimit
}
