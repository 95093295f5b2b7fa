package outcome

import (
	"time"

	"webex-tokend/daemon/schedule"
	"webex-tokend/store"

	"github.com/hashicorp/go-hclog"
)

// Reasons that stand beside ok: the token works, but the next one comes at
// another time than the configuration says, because tokens do not live as long
// as it reckons with.
const (
	reasonUnderInterval = "tokens_live_shorter_than_min_interval"
	reasonUnderAt       = "tokens_live_shorter_than_refresh_at"
)

// Shortfall returns what of a rule the life of a token falls short of; "": nothing.
func Shortfall(t store.Token, r schedule.Rule) string {
	life := t.ExpiresAt.Sub(t.IssuedAt)
	switch {
	case t.Access.Empty() || t.ExpiresAt.IsZero():
		return ""
	case life < r.MinInterval:
		return reasonUnderInterval
	case r.Before >= life:
		return reasonUnderAt
	}
	return ""
}

// WarnOfShortfall logs once that tokens turned out to live so briefly.
func WarnOfShortfall(log hclog.Logger, name string, before, now store.Token, r schedule.Rule) {
	why := Shortfall(now, r)
	if why == "" || why == Shortfall(before, r) {
		return
	}
	log.Warn("renewed at another time than the configuration says", "grant", name, "reason", why,
		"life", now.ExpiresAt.Sub(now.IssuedAt).Round(time.Second).String())
}
