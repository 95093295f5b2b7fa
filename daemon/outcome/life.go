package outcome

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

// AccessEnd is when an access token issued at that time ends; zero: not known.
func AccessEnd(in *config.Integration, a provider.Answer, from time.Time) (end time.Time, assumed bool) {
	switch {
	case !a.AccessEnd.IsZero():
		return a.AccessEnd, false
	case a.Doubtful && in.AccessLife > 0 && (a.AccessLife == 0 || a.AccessLife > in.AccessLife):
		return from.Add(in.AccessLife), true
	case a.AccessLife > 0:
		return from.Add(a.AccessLife), a.Doubtful
	case in.AccessLife > 0:
		return from.Add(in.AccessLife), true
	}
	return time.Time{}, false
}

// SaidWindowEnd is zero where the answer said nothing.
func SaidWindowEnd(a provider.Answer, from time.Time) time.Time {
	switch {
	case !a.RefreshEnd.IsZero():
		return a.RefreshEnd
	case a.RefreshLife > 0:
		return from.Add(a.RefreshLife)
	}
	return time.Time{}
}

// WindowEnd is that of a refresh token value issued at that time.
func WindowEnd(in *config.Integration, a provider.Answer, from time.Time) time.Time {
	if end := SaidWindowEnd(a, from); !end.IsZero() {
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

// Life is what due times are counted from.
func Life(r *store.Record) schedule.Life {
	return schedule.Life{IssuedAt: r.Token.IssuedAt, ExpiresAt: r.Token.ExpiresAt, WindowEndsAt: r.Refresh.EndsAt}
}

// TokenType is how a token is published; some answers leave it out.
func TokenType(a provider.Answer, before store.Token) string {
	switch {
	case a.TokenType != "":
		return a.TokenType
	case before.Type != "":
		return before.Type
	}
	return "Bearer"
}

// Observation is what an answer said about the refresh window.
func Observation(at time.Time, in *config.Integration, a provider.Answer, r *store.Record, sameRefresh, sameAccess bool) store.Observation {
	o := store.Observation{At: at, AccessLife: a.AccessLife, SameRefresh: sameRefresh, SameAccess: sameAccess}
	// An end that was assumed is not said again: a server that tells no number may
	// move the window all the same, so that silence does not make it fixed.
	o.EndsAt = SaidWindowEnd(a, at)
	return o
}

// KeepDetails keeps whom and what an answer is for.
func KeepDetails(r *store.Record, a provider.Answer) {
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

// ClockTolerance is how far a clock may be moved and nothing is said: what time
// servers correct in passing, and more than a late sweep.
const ClockTolerance = time.Minute

// Ahead reports instants that cannot have been yet.
func Ahead(t, now time.Time) bool { return t.Sub(now) > ClockTolerance }

// Due is when a grant falls due by these rules; zero: never. After a refresh that
// gained nothing it is as long as NoGain says, however early the age of the token
// has it: else each look at the rules would bring the refresh back that was just
// in vain.
func Due(r *store.Record, rule schedule.Rule) time.Time {
	due := schedule.Due(r.Name, Life(r), rule)
	if due.IsZero() || due.After(r.LastRefreshAt) {
		return due
	}
	return schedule.NoGain(r.LastRefreshAt, Life(r), rule).Truncate(time.Millisecond)
}
