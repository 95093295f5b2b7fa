package keeper

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

// Reasons that stand in records beside the codes of the endpoints.
const (
	reasonRejected     = wire.RefreshTokenRejected
	reasonLostInFlight = "lost_in_flight" // rejected after an outcome that never arrived
	reasonWindowEnded  = "window_ended"
	reasonTokenExpired = "token_expired"
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

// absorb brings an answer into a record and tells whether it gained anything.
// The record may have changed since the refresh token was sent.
func (k *Keeper) absorb(r *store.Record, p *plan, sentAt time.Time, a provider.Answer) (gained bool) {
	sent := p.stored.Refresh
	if !r.Refresh.Value.Equal(sent.Value) {
		// Somebody registered other tokens meanwhile. Theirs stay in force;
		// what the answer brought may still serve.
		if !a.Refresh.Empty() {
			r.Fallbacks = candidates(store.RefreshToken{Value: a.Refresh, FirstSeen: sentAt, EndsAt: windowEnd(p.in, a, sentAt)}, r.Fallbacks)
		}
		return false
	}
	before := r.Token
	sameAccess := before.Access.Equal(a.Access)
	r.Token = store.Token{Access: a.Access, Type: tokenType(a, before), Scope: a.Scope, IssuedAt: sentAt}
	if a.Scope == "" {
		r.Token.Scope = before.Scope
	}
	r.Token.ExpiresAt, r.AssumedAccess = accessEnd(p.in, a, sentAt)
	if sameAccess {
		// A token is as old as it is, and due times count from its issue.
		r.Token.IssuedAt = before.IssuedAt
	} else {
		r.Generation++
	}

	sameRefresh := a.Refresh.Empty() || a.Refresh.Equal(sent.Value)
	k.renew(r, p.in, sentAt, a, sameRefresh)
	r.Observations = window.Observe(r.Observations, observation(sentAt, p.in, a, r, sameRefresh, sameAccess))

	clearTrouble(r)
	r.LastAttemptAt, r.LastRefreshAt = sentAt, sentAt
	keepDetails(r, a)

	tolerance := min(unmoved, r.Token.ExpiresAt.Sub(sentAt)/100)
	gained = !sameAccess && (before.ExpiresAt.IsZero() || r.Token.ExpiresAt.Sub(before.ExpiresAt) > tolerance)
	if gained {
		r.DueAt = schedule.Due(r.Name, life(r), p.rule)
	} else {
		r.DueAt = schedule.NoGain(sentAt, life(r), p.rule)
	}
	return gained
}

// renew takes over what the answer said of the refresh token. One that the
// answer brought anew stands first; the one that was sent stays behind it until
// the new one has worked. One that worked has no need of older ones behind it; a
// younger one, an import that was refused, stays: a single refusal proves nothing.
func (k *Keeper) renew(r *store.Record, in *config.Integration, sentAt time.Time, a provider.Answer, same bool) {
	younger := slices.DeleteFunc(slices.Clone(r.Fallbacks), func(t store.RefreshToken) bool {
		return !t.FirstSeen.After(r.Refresh.FirstSeen)
	})
	if same {
		r.Fallbacks = younger
		if end := saidWindowEnd(a, sentAt); !end.IsZero() {
			r.Refresh.EndsAt, r.AssumedWindow = end, false
		}
		return
	}
	sent := r.Refresh
	r.Refresh = store.RefreshToken{Value: a.Refresh, FirstSeen: sentAt, EndsAt: windowEnd(in, a, sentAt)}
	r.AssumedWindow = saidWindowEnd(a, sentAt).IsZero() && !r.Refresh.EndsAt.IsZero()
	r.Fallbacks = candidates(sent, younger)
	k.remember(r, a.Refresh)
}

// setBack brings a failure into a record. It never removes a refresh token.
func (k *Keeper) setBack(r *store.Record, p *plan, sentAt time.Time, f *provider.Failure) {
	r.LastAttemptAt = sentAt
	keepUnread(r, sentAt, f)
	r.LastError = &store.LastError{At: sentAt, Status: f.Status, Code: f.Code, Description: f.Description, TrackingID: f.TrackingID}
	if !r.Refresh.Value.Equal(p.stored.Refresh.Value) {
		// The refusal concerns tokens that somebody has replaced meanwhile.
		if !f.Salvaged.Empty() {
			r.Fallbacks = candidates(store.RefreshToken{Value: f.Salvaged, FirstSeen: sentAt}, r.Fallbacks)
		}
		return
	}
	if !f.Salvaged.Empty() && !f.Salvaged.Equal(r.Refresh.Value) {
		r.Fallbacks = candidates(r.Refresh, r.Fallbacks)
		r.Refresh = store.RefreshToken{Value: f.Salvaged, FirstSeen: sentAt, EndsAt: assumedWindowEnd(p.in, sentAt)}
		r.AssumedWindow = !r.Refresh.EndsAt.IsZero()
		k.remember(r, f.Salvaged)
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
	if outcomeOpen(p, f) && r.UnknownSince.IsZero() {
		r.UnknownSince = sentAt
	}
	setback := schedule.Setback{Name: r.Name, Failures: r.Failures, At: sentAt, ExpiresAt: r.Token.ExpiresAt, RetryAfter: f.RetryAfter}
	switch f.Kind {
	case provider.Rejected:
		k.reject(r, p, sentAt, setback)
	case provider.Exhausted:
		r.DueAt = schedule.AfterExhaustion(setback, p.rule)
	default:
		r.DueAt = schedule.Backoff(setback, p.rule)
		// While the endpoint is broken it is the one that pauses: once it is back,
		// no grant is to wait for the end of a pause of its own.
		if most, bounded := p.endpoint.LongestPause(sentAt); bounded {
			r.DueAt = earlier(r.DueAt, sentAt.Add(max(most, f.RetryAfter)))
		}
	}
	if earliest := sentAt.Add(p.rule.MinInterval); r.DueAt.Before(earliest) {
		r.DueAt = earliest
	}
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// unreadFor is how long an answer that could not be read is kept.
const unreadFor = 30 * daily

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
func (k *Keeper) reject(r *store.Record, p *plan, now time.Time, s schedule.Setback) {
	if r.Rejection.Count == 0 || ahead(r.Rejection.First, now) {
		r.Rejection.First = now
	}
	r.Rejection.Last = now
	r.Rejection.Count++
	if r.ReauthorizeSince.IsZero() {
		r.Reason = reasonRejected
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
		r.DueAt = now.Add(daily)
	case round && r.Rejection.Count >= provingRefusals*tokens && now.Sub(r.Rejection.First) >= provingTime:
		r.Reason = hopeless(r, now)
		r.ReauthorizeSince = now
		r.UnknownSince = time.Time{}
		r.DueAt = now.Add(daily)
	case !round:
		s.Failures = 1
		r.DueAt = schedule.Backoff(s, p.rule)
	default:
		r.DueAt = schedule.AfterRejection(s, p.rule)
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
	return reasonRejected
}

// clearTrouble clears everything that held the grant back but the operator.
func clearTrouble(r *store.Record) {
	r.Failures, r.Reason = 0, ""
	r.FailingSince, r.UnknownSince, r.ReauthorizeSince = time.Time{}, time.Time{}, time.Time{}
	r.Rejection, r.Unread = store.Rejection{}, nil
}

// remember makes a refresh token recognisable.
func (k *Keeper) remember(r *store.Record, refresh store.Secret) {
	r.Fingerprints = noted(r.Fingerprints, k.store.Fingerprint(refresh), store.MaxFingerprints)
}

// noted puts a fingerprint last. One that came before counts as the newest and
// takes the place of no other.
func noted(list []store.Fingerprint, print store.Fingerprint, most int) []store.Fingerprint {
	others := slices.DeleteFunc(slices.Clone(list), func(f store.Fingerprint) bool { return f == print })
	list = append(others, print)
	return list[max(0, len(list)-most):]
}

// candidates puts a refresh token before others that may work, without
// repeating a value.
func candidates(first store.RefreshToken, rest []store.RefreshToken) []store.RefreshToken {
	list := []store.RefreshToken{first}
	for _, t := range rest {
		if len(list) < store.MaxFallbacks && !t.Value.Equal(first.Value) {
			list = append(list, t)
		}
	}
	return list
}
