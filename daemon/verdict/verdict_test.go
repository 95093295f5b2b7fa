package verdict_test

import (
	"slices"
	"testing"
	"time"

	"webex-tokend/daemon/verdict"
	"webex-tokend/store"
)

var now = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

const day = 24 * time.Hour

// record is of a grant that is well and whose window ends in so long.
func record(left time.Duration, changes ...func(*store.Record)) *store.Record {
	r := &store.Record{
		Name: "ops", Integration: "crm", Kind: "rest", Generation: 3,
		Token:   store.Token{Access: store.NewSecret("a"), IssuedAt: now.Add(-7 * day), ExpiresAt: now.Add(7 * day)},
		Refresh: store.RefreshToken{Value: store.NewSecret("r"), FirstSeen: now.Add(-7 * day), EndsAt: now.Add(left)},
		DueAt:   now.Add(time.Hour),
	}
	for _, change := range changes {
		change(r)
	}
	return r
}

func slides(r *store.Record) {
	r.Observations = []store.Observation{
		{At: now.Add(-2 * day), EndsAt: r.Refresh.EndsAt.Add(-2 * day), SameRefresh: true},
		{At: now, EndsAt: r.Refresh.EndsAt, SameRefresh: true},
	}
}

func fails(times uint64) func(*store.Record) {
	return func(r *store.Record) {
		r.Failures, r.FailingSince, r.Reason = times, now.Add(-time.Hour), "unreachable"
	}
}

func isRefused(r *store.Record) {
	fails(1)(r)
	r.Reason, r.Rejection = "refresh_token_rejected", store.Rejection{First: now.Add(-time.Hour), Last: now.Add(-time.Hour), Count: 1}
}

func isStatic(left time.Duration) func(*store.Record) {
	return func(r *store.Record) {
		r.Kind, r.Refresh = "static", store.RefreshToken{}
		r.Token.ExpiresAt = now.Add(left)
		r.DueAt = r.Token.ExpiresAt
	}
}

func TestEveryStandingHasOneVerdict(t *testing.T) {
	paused := func(r *store.Record) { r.PausedSince = now.Add(-time.Hour) }
	expired := func(r *store.Record) { r.Token.ExpiresAt = now.Add(-time.Minute) }
	limited := func(r *store.Record) { fails(1)(r); r.Reason = "tokenlimit_reached" }
	late := func(by time.Duration) func(*store.Record) { return func(r *store.Record) { r.DueAt = now.Add(-by) } }
	declared := verdict.Facts{Declared: true, Renewal: "webex-tokend authorize ops", Disk: "df -h /state"}
	with := func(change func(*verdict.Facts)) verdict.Facts { f := declared; change(&f); return f }
	pending := func(age time.Duration) verdict.Facts {
		return with(func(f *verdict.Facts) {
			f.Absent = store.Condition{State: store.Pending, Reason: "nothing registered", Since: now.Add(-age)}
		})
	}
	const (
		authorize = "webex-tokend authorize ops"
		refresh   = "webex-tokend refresh ops"
	)
	for _, c := range []struct {
		name   string
		record *store.Record
		facts  verdict.Facts
		state  store.State
		level  verdict.Level
		reason string
		action string
	}{
		{"well, and the window far", record(60 * day), declared, store.OK, verdict.Fine, "", ""},
		{"a window of 30 days", record(30 * day), declared, store.OK, verdict.Fine, "", ""},
		{"a window of 10 days", record(10 * day), declared, store.OK, verdict.Warning, "window_ends", authorize},
		{"a window of 2 days", record(2 * day), declared, store.OK, verdict.Critical, "window_ends", authorize},
		{"a window of exactly 14 days", record(14 * day), declared, store.OK, verdict.Fine, "", ""},
		{"a window of exactly 3 days", record(3 * day), declared, store.OK, verdict.Warning, "window_ends", authorize},
		{"a window that ended", record(-day), declared, store.OK, verdict.Critical, "window_ends", authorize},
		{"a window of 2 days that slides", record(2*day, slides), declared, store.OK, verdict.Fine, "", ""},
		{"one that slides while refreshes fail", record(2*day, slides, fails(1)), declared, store.Retrying, verdict.Critical, "unreachable", authorize},
		{"one that slides and is paused", record(10*day, slides, paused), declared, store.Paused, verdict.Warning, "paused by the operator", "webex-tokend resume ops"},
		{"one that is minted anew", record(2 * day), with(func(f *verdict.Facts) { f.Minted = true }), store.OK, verdict.Fine, "", ""},
		{"no end is known", record(0, func(r *store.Record) { r.Refresh.EndsAt = time.Time{} }), declared, store.OK, verdict.Fine, "", ""},
		{"a failure", record(60*day, fails(1)), declared, store.Retrying, verdict.Working, "unreachable", refresh},
		{"three failures", record(60*day, fails(3)), declared, store.Retrying, verdict.Warning, "unreachable", refresh},
		{"a refused refresh token", record(60*day, isRefused), declared, store.Retrying, verdict.Critical, "refresh_token_rejected", authorize},
		{"a refused one, and no answer since", record(60*day, isRefused, func(r *store.Record) { r.Reason = "unreachable" }), declared, store.Retrying, verdict.Critical, "refresh_token_rejected", authorize},
		{"an expired token", record(60*day, expired), declared, store.OK, verdict.Critical, "token_expired", refresh},
		{"an expired token of a grant that fails", record(60*day, fails(1), expired), declared, store.Retrying, verdict.Critical, "unreachable", refresh},
		{"an account with too many tokens", record(60*day, limited), declared, store.Retrying, verdict.Working, "tokenlimit_reached", "webex-tokend status ops"},
		{"an expired token of such an account", record(60*day, limited, expired), declared, store.Retrying, verdict.Critical, "tokenlimit_reached", "webex-tokend status ops"},
		{"an expired token of a paused grant", record(60*day, paused, expired), declared, store.Paused, verdict.Critical, "paused by the operator", "webex-tokend resume ops"},
		{"due five minutes ago", record(60*day, late(5*time.Minute)), declared, store.OK, verdict.Fine, "", ""},
		{"due more than five minutes ago", record(60*day, late(5*time.Minute+time.Second)), declared, store.OK, verdict.Critical, "refresh_overdue", refresh},
		{"due long ago and paused", record(60*day, paused, late(day)), declared, store.Paused, verdict.Warning, "paused by the operator", "webex-tokend resume ops"},
		{"no longer declared", record(60 * day), with(func(f *verdict.Facts) { f.Declared = false }), store.Paused, verdict.Warning, "undeclared", "webex-tokend validate"},
		{"an open outcome", record(60 * day), with(func(f *verdict.Facts) { f.Open = now }), store.Unknown, verdict.Warning, "no_answer", refresh},
		{"a refused client", record(60 * day), with(func(f *verdict.Facts) {
			f.Client = store.Condition{State: store.Misconfigured, Reason: "invalid_client", Since: now}
		}), store.Misconfigured, verdict.Critical, "invalid_client", "webex-tokend validate"},
		{"an answer in memory", record(60 * day), with(func(f *verdict.Facts) { f.Held = now }), store.Unpersisted, verdict.Critical, "the store refuses an answer", "df -h /state"},
		{"restored from a copy", record(60*day, func(r *store.Record) { r.UnverifiedSince = now }), declared, store.Unverified, verdict.Critical, "restored from an older copy", "webex-tokend adopt ops"},
		{"given up", record(60*day, func(r *store.Record) { r.ReauthorizeSince, r.Reason = now, "refresh_token_rejected" }), declared, store.Reauthorize, verdict.Critical, "refresh_token_rejected", authorize},
		{"declared just now", &store.Record{Name: "ops"}, pending(time.Minute), store.Pending, verdict.Working, "nothing registered", authorize},
		{"declared two hours ago", &store.Record{Name: "ops"}, pending(2 * time.Hour), store.Pending, verdict.Warning, "nothing registered", authorize},
		{"a file that fails", record(60 * day), with(func(f *verdict.Facts) { f.Outputs = true }), store.OK, verdict.Warning, "outputs_fail", "webex-tokend status ops"},
		{"scopes that were not granted", record(60 * day), with(func(f *verdict.Facts) { f.Lacks = "scopes_missing" }), store.OK, verdict.Fine, "scopes_missing", authorize},
		{"a static token of 30 days", record(0, isStatic(30*day)), declared, store.OK, verdict.Fine, "", ""},
		{"a static token of 10 days", record(0, isStatic(10*day)), declared, store.OK, verdict.Warning, "token_ends", authorize},
		{"a static token of 2 days", record(0, isStatic(2*day)), declared, store.OK, verdict.Critical, "token_ends", authorize},
		{"a static token that ended and nobody noticed yet", record(0, isStatic(-time.Hour)), declared, store.OK, verdict.Critical, "token_ends", authorize},
		{"a static token without an end", record(0, isStatic(0), func(r *store.Record) { r.Token.ExpiresAt, r.DueAt = time.Time{}, time.Time{} }), declared, store.OK, verdict.Fine, "", ""},
		{"damaged", &store.Record{Name: "ops"}, with(func(f *verdict.Facts) {
			f.Absent = store.Condition{State: store.Damaged, Reason: "the record does not open", Since: now}
		}), store.Damaged, verdict.Critical, "the record does not open", authorize},
	} {
		v := verdict.Of(c.record, c.facts, now)
		if v.State != c.state || v.Level != c.level || v.Reason != c.reason || v.Action != c.action {
			t.Errorf("%s: %s %s (%s), action %q; want %s %s (%s), action %q",
				c.name, v.Level, v.State, v.Reason, v.Action, c.level, c.state, c.reason, c.action)
		}
		if v.Level != v.Cause.Level() {
			t.Errorf("%s: level %s of cause %d", c.name, v.Level, v.Cause)
		}
	}
}

func TestCausesAreOrderedByTheirLevels(t *testing.T) {
	var levels []verdict.Level
	for c := verdict.Damaged; c <= verdict.None; c++ {
		levels = append(levels, c.Level())
	}
	if !slices.IsSortedFunc(levels, func(a, b verdict.Level) int { return b.Rank() - a.Rank() }) {
		t.Errorf("levels in the order of causes are %v", levels)
	}
	if got := slices.Compact(levels); !slices.Equal(got, verdict.Levels()) {
		t.Errorf("there are %v", got)
	}
}
