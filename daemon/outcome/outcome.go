// Package outcome brings what a token endpoint answered into the record of a
// grant: tokens, ends, the next due time, and the evidence for giving a grant up.
// It reads no clock and stores nothing, and it never deletes a refresh token that
// may still work.
package outcome

import (
	"slices"
	"time"

	"webex-tokend/daemon/config"
	"webex-tokend/daemon/provider"
	"webex-tokend/daemon/schedule"
	"webex-tokend/daemon/window"
	"webex-tokend/daemon/wire"
	"webex-tokend/store"
)

// Day is the budget of tokens that live a day or more: they are refreshed once a
// day at most.
const Day = 24 * time.Hour

// Reasons that stand in records beside the codes of the endpoints.
const (
	Rejected           = wire.RefreshTokenRejected
	reasonLostInFlight = "lost_in_flight" // rejected after an outcome that never arrived
	reasonWindowEnded  = "window_ended"
	TokenExpired       = "token_expired"
)

// The evidence without which no grant is given up: so many refusals of each
// refresh token that may still work, over so long a time.
const (
	provingRefusals = 3
	provingTime     = 10 * time.Minute
)

// unmoved is how little the expiry may move and count as no gain, beside a
// hundredth of the life.
const unmoved = time.Minute

// An Exchange describes a request to a token endpoint and its rules.
type Exchange struct {
	In      *config.Integration
	Rule    schedule.Rule
	Sent    store.RefreshToken
	Attempt uint64 // 1, or more while the outcome of an earlier one is open
	// Fingerprint makes tokens recognisable.
	Fingerprint func(store.Secret) store.Fingerprint
	// LongestPause bounds how long a grant that failed now may pause, at most,
	// because the endpoint is at fault.
	LongestPause func(now time.Time) (most time.Duration, bounded bool)
}

// RuleOf is when a grant falls due.
func RuleOf(in *config.Integration, g *config.Grant) schedule.Rule {
	return schedule.Rule{
		Fraction:    g.Refresh.Fraction,
		Before:      g.Refresh.Before,
		Calendar:    g.Refresh.Calendar,
		MinInterval: in.MinInterval,
	}
}

// Open reports whether it is still unknown what became of the refresh token:
// this request was sent and not answered, or an earlier one was and the answer to
// this one says nothing about it.
func (x Exchange) Open(f *provider.Failure) bool {
	if !f.Answered {
		return f.Sent || x.Attempt > 1
	}
	return x.Attempt > 1 && f.Kind != provider.Rejected
}

// Absorb brings an answer into a record and reports whether it gained anything.
// The record may have changed since the refresh token was sent.
func (x Exchange) Absorb(r *store.Record, sentAt time.Time, a provider.Answer) (gained bool) {
	sent := x.Sent
	if !r.Refresh.Value.Equal(sent.Value) {
		// Somebody registered other tokens meanwhile. Theirs stay in force;
		// what the answer brought may still serve.
		if !a.Refresh.Empty() {
			r.Fallbacks = Candidates(store.RefreshToken{Value: a.Refresh, FirstSeen: sentAt, EndsAt: WindowEnd(x.In, a, sentAt)}, r.Fallbacks)
		}
		return false
	}
	before := r.Token
	sameAccess := before.Access.Equal(a.Access)
	r.Token = store.Token{Access: a.Access, Type: TokenType(a, before), Scope: a.Scope, IssuedAt: sentAt}
	if a.Scope == "" {
		r.Token.Scope = before.Scope
	}
	r.Token.ExpiresAt, r.AssumedAccess = AccessEnd(x.In, a, sentAt)
	if sameAccess {
		// A token is as old as it is, and due times count from its issue.
		r.Token.IssuedAt = before.IssuedAt
	} else {
		r.Generation++
	}

	sameRefresh := a.Refresh.Empty() || a.Refresh.Equal(sent.Value)
	x.takeRefresh(r, sentAt, a, sameRefresh)
	r.Observations = window.Observe(r.Observations, Observation(sentAt, x.In, a, r, sameRefresh, sameAccess))

	clearTrouble(r)
	if !a.Unread.Empty() {
		// The access token is fine, but the server may have retired the refresh
		// token for one that stands in there.
		r.Unread = &store.Unread{At: sentAt, Body: a.Unread}
		r.UnknownSince, r.Reason = sentAt, wire.RefreshTokenUnread
	}
	r.LastAttemptAt, r.LastRefreshAt = sentAt, sentAt
	KeepDetails(r, a)

	tolerance := min(unmoved, r.Token.ExpiresAt.Sub(sentAt)/100)
	gained = !sameAccess && (before.ExpiresAt.IsZero() || r.Token.ExpiresAt.Sub(before.ExpiresAt) > tolerance)
	if gained {
		r.DueAt = schedule.Due(r.Name, Life(r), x.Rule)
	} else {
		r.DueAt = schedule.NoGain(sentAt, Life(r), x.Rule)
	}
	return gained
}

// takeRefresh takes over what the answer said of the refresh token. One that the
// answer brought anew stands first; the one that was sent stays behind it until
// the new one has worked. One that worked has no need of older ones behind it; a
// younger one, an import that was refused, stays: a single refusal proves nothing.
func (x Exchange) takeRefresh(r *store.Record, sentAt time.Time, a provider.Answer, same bool) {
	younger := slices.DeleteFunc(slices.Clone(r.Fallbacks), func(t store.RefreshToken) bool {
		return !t.FirstSeen.After(r.Refresh.FirstSeen)
	})
	if same {
		r.Fallbacks = younger
		if end := SaidWindowEnd(a, sentAt); !end.IsZero() {
			r.Refresh.EndsAt, r.AssumedWindow = end, false
		}
		return
	}
	sent := r.Refresh
	r.Refresh = store.RefreshToken{Value: a.Refresh, FirstSeen: sentAt, EndsAt: WindowEnd(x.In, a, sentAt)}
	r.AssumedWindow = SaidWindowEnd(a, sentAt).IsZero() && !r.Refresh.EndsAt.IsZero()
	r.Fallbacks = Candidates(sent, younger)
	// Of several in one answer, any may be the one that works.
	for _, spare := range a.Spares {
		if !spare.Equal(sent.Value) && !spare.Equal(a.Refresh) {
			r.Fallbacks = Candidates(store.RefreshToken{Value: spare, FirstSeen: sentAt, EndsAt: r.Refresh.EndsAt}, r.Fallbacks)
		}
	}
	Remember(r, x.Fingerprint(a.Refresh))
}

// SetBack brings a failure into a record. It never removes a refresh token.
func (x Exchange) SetBack(r *store.Record, sentAt time.Time, f *provider.Failure) {
	r.LastAttemptAt = sentAt
	keepUnread(r, sentAt, f)
	r.LastError = &store.LastError{At: sentAt, Status: f.Status, Code: f.Code, Description: f.Description, TrackingID: f.TrackingID}
	if !r.Refresh.Value.Equal(x.Sent.Value) {
		// The refusal concerns tokens that somebody has replaced meanwhile.
		if !f.Salvaged.Empty() {
			r.Fallbacks = Candidates(store.RefreshToken{Value: f.Salvaged, FirstSeen: sentAt}, r.Fallbacks)
		}
		return
	}
	if !f.Salvaged.Empty() && !f.Salvaged.Equal(r.Refresh.Value) {
		r.Fallbacks = Candidates(r.Refresh, r.Fallbacks)
		r.Refresh = store.RefreshToken{Value: f.Salvaged, FirstSeen: sentAt, EndsAt: assumedWindowEnd(x.In, sentAt)}
		r.AssumedWindow = !r.Refresh.EndsAt.IsZero()
		Remember(r, x.Fingerprint(f.Salvaged))
	}
	if f.Kind == provider.Misconfigured {
		// The integration is at fault: the grant keeps its place in the queue.
		return
	}
	if r.Failures == 0 {
		r.FailingSince = sentAt
	}
	r.Failures++
	if r.ReauthorizeSince.IsZero() { // else why it was given up says more
		r.Reason = f.Code
	}
	if x.Open(f) && r.UnknownSince.IsZero() {
		r.UnknownSince = sentAt
	}
	setback := schedule.Setback{Name: r.Name, Failures: r.Failures, At: sentAt, ExpiresAt: r.Token.ExpiresAt, RetryAfter: f.RetryAfter}
	switch f.Kind {
	case provider.Rejected:
		x.reject(r, sentAt, setback)
	case provider.Exhausted:
		r.DueAt = schedule.AfterExhaustion(setback, x.Rule)
	default:
		r.DueAt = schedule.Backoff(setback, x.Rule)
		// While the endpoint is broken it is the one that pauses: once it is back,
		// no grant is to wait for the end of a pause of its own.
		if most, bounded := x.LongestPause(sentAt); bounded {
			r.DueAt = Earlier(r.DueAt, sentAt.Add(max(most, f.RetryAfter)))
		}
	}
	if earliest := sentAt.Add(x.Rule.MinInterval); r.DueAt.Before(earliest) {
		r.DueAt = earliest
	}
}

// Earlier returns the earlier of two instants.
func Earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// unreadFor is how long an answer that could not be read is kept.
const unreadFor = 30 * Day

func keepUnread(r *store.Record, at time.Time, f *provider.Failure) {
	switch {
	case !f.Unread.Empty():
		r.Unread = &store.Unread{At: at, Body: f.Unread}
	case r.Unread != nil && at.Sub(r.Unread.At) > unreadFor:
		r.Unread = nil
	}
}

// reject counts a refusal of the refresh token as evidence and turns to the
// next one that may work. Only when all were refused again and again is the
// grant given up, and even then it is tried once a day.
func (x Exchange) reject(r *store.Record, now time.Time, s schedule.Setback) {
	if r.Rejection.Count == 0 || Ahead(r.Rejection.First, now) {
		r.Rejection.First = now
	}
	r.Rejection.Last = now
	r.Rejection.Count++
	if r.ReauthorizeSince.IsZero() {
		r.Reason = Rejected
	}
	tokens := uint64(len(r.Fallbacks) + 1)
	round := r.Rejection.Count%tokens == 0
	if tokens > 1 {
		refused := r.Refresh
		r.Refresh = r.Fallbacks[0]
		r.Fallbacks = append(r.Fallbacks[1:len(r.Fallbacks):len(r.Fallbacks)], refused)
	}
	switch {
	case !r.ReauthorizeSince.IsZero():
		r.Reason = hopeless(r, now)
		r.DueAt = now.Add(Day)
	case round && r.Rejection.Count >= provingRefusals*tokens && now.Sub(r.Rejection.First) >= provingTime:
		r.Reason = hopeless(r, now)
		r.ReauthorizeSince = now
		r.UnknownSince = time.Time{}
		r.DueAt = now.Add(Day)
	case !round:
		s.Failures = 1
		r.DueAt = schedule.Backoff(s, x.Rule)
	default:
		r.DueAt = schedule.AfterRejection(s, x.Rule)
	}
}

// hopeless says why a human must consent.
func hopeless(r *store.Record, now time.Time) string {
	switch {
	case !r.UnknownSince.IsZero() || r.Reason == reasonLostInFlight:
		return reasonLostInFlight
	case !r.Refresh.EndsAt.IsZero() && !now.Before(r.Refresh.EndsAt):
		return reasonWindowEnded
	}
	return Rejected
}

// clearTrouble clears everything that held the grant back but the operator.
func clearTrouble(r *store.Record) {
	r.Failures, r.Reason = 0, ""
	r.FailingSince, r.UnknownSince, r.ReauthorizeSince = time.Time{}, time.Time{}, time.Time{}
	r.Rejection, r.Unread = store.Rejection{}, nil
}

// Remember makes a refresh token recognisable.
func Remember(r *store.Record, refresh store.Fingerprint) {
	r.Fingerprints = AddPrint(r.Fingerprints, refresh, store.MaxFingerprints)
}

// AddPrint puts a fingerprint last, and drops the oldest of more than most. One that came before counts as the newest and
// takes the place of no other.
func AddPrint(list []store.Fingerprint, print store.Fingerprint, most int) []store.Fingerprint {
	others := slices.DeleteFunc(slices.Clone(list), func(f store.Fingerprint) bool { return f == print })
	list = append(others, print)
	return list[max(0, len(list)-most):]
}

// Candidates puts a refresh token before others that may work, without
// repeating a value.
func Candidates(first store.RefreshToken, rest []store.RefreshToken) []store.RefreshToken {
	list := []store.RefreshToken{first}
	for _, t := range rest {
		if len(list) < store.MaxFallbacks && !t.Value.Equal(first.Value) {
			list = append(list, t)
		}
	}
	return list
}
