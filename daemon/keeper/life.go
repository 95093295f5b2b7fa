package keeper

import (
	"time"

	"webex-tokend/daemon/config"
	"webex-tokend/daemon/provider"
	"webex-tokend/daemon/schedule"
	"webex-tokend/store"
)

// Lives are always the answer's own numbers, counted from when its request was
// sent: so an instant is never later than the server meant it. Only what no
// answer said is assumed.

func accessEnd(in *config.Integration, a provider.Answer, from time.Time) (end time.Time, assumed bool) {
	switch {
	case !a.AccessEnd.IsZero():
		return a.AccessEnd, false
	case a.AccessLife > 0:
		return from.Add(a.AccessLife), false
	case in.AccessLife > 0:
		return from.Add(in.AccessLife), true
	}
	return time.Time{}, false
}

// saidWindowEnd is zero where the answer said nothing.
func saidWindowEnd(a provider.Answer, from time.Time) time.Time {
	switch {
	case !a.RefreshEnd.IsZero():
		return a.RefreshEnd
	case a.RefreshLife > 0:
		return from.Add(a.RefreshLife)
	}
	return time.Time{}
}

// windowEnd is that of a refresh token value issued at that time.
func windowEnd(in *config.Integration, a provider.Answer, from time.Time) time.Time {
	if end := saidWindowEnd(a, from); !end.IsZero() {
		return end
	}
	return assumedWindowEnd(in, from)
}

func assumedWindowEnd(in *config.Integration, from time.Time) time.Time {
	if in.RefreshLife == 0 {
		return time.Time{}
	}
	return from.Add(in.RefreshLife)
}

func life(r *store.Record) schedule.Life {
	return schedule.Life{IssuedAt: r.Token.IssuedAt, ExpiresAt: r.Token.ExpiresAt, WindowEndsAt: r.Refresh.EndsAt}
}

// tokenType keeps the case that the server uses; some answers leave it out.
func tokenType(a provider.Answer, before store.Token) string {
	switch {
	case a.TokenType != "":
		return a.TokenType
	case before.Type != "":
		return before.Type
	}
	return "Bearer"
}

func observation(at time.Time, in *config.Integration, a provider.Answer, r *store.Record, sameRefresh, sameAccess bool) store.Observation {
	o := store.Observation{At: at, AccessLife: a.AccessLife, SameRefresh: sameRefresh, SameAccess: sameAccess}
	// A window that was assumed from the issue of the value is what is known
	// of Meetings, whose answers never tell: it did not move.
	if o.EndsAt = saidWindowEnd(a, at); o.EndsAt.IsZero() && in.Kind == config.Meetings {
		o.EndsAt = r.Refresh.EndsAt
	}
	return o
}

func keepDetails(r *store.Record, a provider.Answer) {
	if a.User != "" {
		r.User = a.User
	}
	if a.Email != "" {
		r.Email = a.Email
	}
	if a.Site != "" {
		r.Site = a.Site
	}
}

// stamp is how the log shows an instant, as the API does.
func stamp(t time.Time) string {
	if t.IsZero() {
		return "none"
	}
	return t.UTC().Format(time.RFC3339)
}
