package keeper

import (
	"time"

	"webex-tokend/daemon/schedule"
	"webex-tokend/store"
)

// Reasons that stand beside ok: the token works, but the next one comes at
// another time than the configuration says, because tokens do not live as long
// as it reckons with.
const (
	reasonUnderInterval = "tokens_live_shorter_than_min_interval"
	reasonUnderAt       = "tokens_live_shorter_than_refresh_at"
)

// shortfall returns what of a rule the life of a token falls short of; "": nothing.
func shortfall(t store.Token, r schedule.Rule) string {
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

// warnOfShortfall tells once that tokens turned out to live so briefly.
func (k *Keeper) warnOfShortfall(name string, before, now store.Token, r schedule.Rule) {
	why := shortfall(now, r)
	if why == "" || why == shortfall(before, r) {
		return
	}
	k.log.Warn("renewed at another time than the configuration says", "grant", name, "reason", why,
		"life", now.ExpiresAt.Sub(now.IssuedAt).Round(time.Second).String())
}
