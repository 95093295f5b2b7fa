package verdict

import (
	"time"

	"webex-tokend/daemon/wire"
	"webex-tokend/store"
)

// A Standing is all that the cause depends on. It is the same whether it comes
// from a record or from what the API shows of one.
type Standing struct {
	State    store.State
	Since    time.Time // of the state
	Refused  bool      // the refresh token was, and no refresh succeeded since
	Failures uint64    // consecutive
	DueAt    time.Time // of the next refresh; zero: there will be none
	Expires  time.Time // of the access token; zero: not known to
	EndsAt   time.Time // from when on only a human can help; zero: not known to
	Moves    bool      // the next refresh moves that end
	Outputs  bool      // a file or hook failed at its last try
	Minted   bool      // a manager mints for it, so that it waits for no person
}

// Shown is the standing of a grant as the API shows it.
func Shown(g wire.Grant) Standing {
	s := Standing{
		State:    store.State(g.State),
		Since:    value(g.Since),
		Refused:  wire.Refused(g.State, g.Reason),
		Failures: g.Failures,
		DueAt:    value(g.RefreshDueAt),
		Expires:  value(g.AccessExpiresAt),
		EndsAt:   value(g.End()),
		Moves:    moves(store.State(g.State), g.Window == string(store.Sliding), g.Manager != ""),
		Minted:   g.Manager != "",
	}
	for _, o := range g.Outputs {
		s.Outputs = s.Outputs || o.State == "failed"
	}
	return s
}

func value(t *time.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return *t
}

// moves reports whether the next refresh, or the manager that mints for a
// service app, moves the end of a window.
func moves(state store.State, slides, minted bool) bool {
	switch state {
	case store.OK:
		return slides || minted
	case store.Paused, store.Unverified:
		return false
	}
	return minted
}

// EndCounts reports whether the grant ends unless somebody acts: no refresh moves
// its end.
func (s Standing) EndCounts() bool { return !s.EndsAt.IsZero() && !s.Moves }

// Dead reports whether the access token has expired. A token that nobody
// refreshes is not refreshed late: its end is the end.
func (s Standing) Dead(now time.Time) bool {
	return !s.Expires.IsZero() && !s.Expires.Equal(s.EndsAt) && !now.Before(s.Expires)
}

// FailsOften reports whether the last refreshes failed, whatever is known of the
// outcome of the very last one.
func (s Standing) FailsOften() bool {
	return (s.State == store.Retrying || s.State == store.Unknown) && s.Failures >= store.Tries
}

// Unregistered reports whether a declared grant waits too long for its first
// tokens.
func (s Standing) Unregistered(now time.Time) bool {
	longest := UnregisteredAfter
	if s.Minted {
		longest = UnmintedAfter
	}
	return s.State == store.Pending && !s.Since.IsZero() && now.Sub(s.Since) > longest
}

// Cause returns the most urgent thing that is so.
func (s Standing) Cause(limits Limits, now time.Time) Cause {
	switch s.State {
	case store.Damaged:
		return Damaged
	case store.Unpersisted:
		return Unpersisted
	case store.Unverified:
		return Unverified
	case store.Reauthorize:
		return Reauthorize
	case store.Misconfigured:
		return Misconfigured
	case store.Pending:
		if s.Unregistered(now) {
			return Unregistered
		}
		return Awaited
	}
	left := s.EndsAt.Sub(now)
	switch {
	case s.Refused:
		return Rejected
	case s.Dead(now):
		return Expired
	case !s.DueAt.IsZero() && now.Sub(s.DueAt) > OverdueAfter:
		return Overdue
	case s.EndCounts() && left < limits.Critical:
		return Ending
	case s.EndCounts() && left < limits.Warning:
		return EndingSoon
	}
	switch {
	case s.State == store.Unknown:
		return Unresolved
	case s.FailsOften():
		return Failing
	case s.Outputs:
		return Outputs
	case s.State == store.Paused:
		return Resting
	case s.State == store.Retrying:
		return Retrying
	}
	return None
}
