// Package verdict says how a grant stands: its state, what that asks of people,
// and what helps. It is one pure function, so that lists, headlines, marks,
// check, metrics, alerts and the API cannot disagree.
package verdict

import (
	"time"

	"webex-tokend/daemon/wire"
	"webex-tokend/store"
)

// Reasons that are in no record.
const (
	Undeclared = "undeclared"
	// Unstored is that of a grant that is Unpersisted.
	Unstored = "the store refuses an answer"
	// WindowEnds, TokenEnds, TokenExpired, RefreshOverdue and OutputsFail stand
	// beside ok.
	WindowEnds     = "window_ends"
	TokenEnds      = "token_ends"
	TokenExpired   = "token_expired"
	RefreshOverdue = "refresh_overdue"
	OutputsFail    = "outputs_fail"
)

// Facts are what is known of a grant beside its record.
type Facts struct {
	// Absent is why there is no record to go by, damaged or pending, with its
	// reason; zero: there is one.
	Absent store.Condition
	// Held is since when an answer is in memory alone, because the store refuses
	// it; zero: none is.
	Held time.Time
	// Open is since when the outcome of a refresh is unknown, and nobody works on
	// it; zero: none is.
	Open time.Time
	// Client is the condition that a refused client puts its grants in; zero: it
	// is accepted.
	Client   store.Condition
	Declared bool
	Minted   bool // by the token of another grant, whenever that is needed
	Outputs  bool // a file or hook failed at its last try
	// Note is a reason that stands beside ok and asks for nothing, Lacks one that
	// asks for new tokens.
	Note, Lacks string
	// Renewal is the command that brings new tokens, Disk one that shows whether
	// the disk of the store is full.
	Renewal, Disk string
}

// A Verdict is the judgement of one grant.
type Verdict struct {
	store.Condition
	Cause Cause
	Level Level
	// End is from when on it hurts unless somebody acts; zero: no such time is
	// known.
	End    time.Time
	Action string // a command that helps; empty: nothing to do
}

// Condition is the state of a record together with what is known beside it, in
// the order of precedence that store.State lists.
func Condition(r *store.Record, f Facts) store.Condition {
	switch {
	case f.Absent.State != "":
		return f.Absent
	case !f.Held.IsZero():
		return store.Condition{State: store.Unpersisted, Reason: Unstored, Since: f.Held}
	}
	c := r.Condition()
	switch {
	case c.State == store.Unverified:
		return c
	case !f.Declared && r.PausedSince.IsZero():
		return store.Condition{State: store.Paused, Reason: Undeclared, Since: r.UndeclaredSince}
	case f.Declared && c.Reason == Undeclared:
		again := *r // declared again, and the index does not know yet
		again.UndeclaredSince = time.Time{}
		c = again.Condition()
	}
	switch {
	case c.State == store.Paused, c.State == store.Reauthorize:
		return c
	case f.Client.State != "":
		return f.Client
	case !f.Open.IsZero() && c.State != store.Unknown:
		c = store.Condition{State: store.Unknown, Reason: "no_answer", Since: f.Open}
	}
	if refused(r, c.State) {
		c.Reason = wire.RefreshTokenRejected
	}
	return c
}

// refused reports whether the refresh token was refused and is tried again, in
// vain as a rule. A refresh that failed for another reason since makes it no
// better.
func refused(r *store.Record, state store.State) bool {
	return (state == store.Retrying || state == store.Unknown) && r.Rejection.Count > 0
}

// Of judges a grant by the usual limits.
func Of(r *store.Record, f Facts, now time.Time) Verdict {
	c := Condition(r, f)
	s := standing(r, c, f)
	cause := s.Cause(Usual(), now)
	v := Verdict{Condition: c, Cause: cause, Level: cause.Level(), End: s.hurts(r)}
	if c.State == store.OK {
		v.Reason = besideOK(cause, r, f)
	}
	v.Action = action(r.Name, c, cause, f)
	if r.Unread != nil && (c.State == store.Unknown || c.State == store.Retrying) {
		v.Action = "webex-tokend unread " + r.Name
	}
	return v
}

// Help is the command that helps with a condition, whatever the times are; empty:
// nothing to do.
func Help(name string, c store.Condition, f Facts) string {
	s := Standing{State: c.State, Since: c.Since, Refused: wire.Refused(string(c.State), c.Reason)}
	f.Lacks = ""
	return action(name, c, s.Cause(Usual(), c.Since), f)
}

func standing(r *store.Record, c store.Condition, f Facts) Standing {
	s := Standing{
		State:    c.State,
		Since:    c.Since,
		Refused:  refused(r, c.State),
		Failures: r.Failures,
		Expires:  r.Token.ExpiresAt,
		EndsAt:   r.EndsAt(),
		Moves:    moves(c.State, r.Movement() == store.Sliding, f.Minted),
		Outputs:  f.Outputs,
		Minted:   f.Minted,
	}
	if c.State != store.Paused && !r.Refresh.Value.Empty() {
		s.DueAt = r.DueAt
	}
	return s
}

// hurts is the instant of Verdict.End.
func (s Standing) hurts(r *store.Record) time.Time {
	switch {
	case s.State == store.Reauthorize:
		return s.Since
	case s.Refused:
		return r.Rejection.First
	case s.Moves:
		return time.Time{}
	}
	return s.EndsAt
}

func besideOK(cause Cause, r *store.Record, f Facts) string {
	switch cause {
	case Ending, EndingSoon:
		if r.Refresh.Value.Empty() {
			return TokenEnds
		}
		return WindowEnds
	case Expired:
		return TokenExpired
	case Overdue:
		return RefreshOverdue
	case Outputs:
		return OutputsFail
	}
	if f.Lacks != "" {
		return f.Lacks
	}
	return f.Note
}

func action(name string, c store.Condition, cause Cause, f Facts) string {
	refresh := "webex-tokend refresh " + name
	switch c.State {
	case store.Paused:
		if c.Reason == Undeclared {
			return "webex-tokend validate"
		}
		return "webex-tokend resume " + name
	case store.Misconfigured:
		return "webex-tokend validate"
	case store.Unpersisted:
		return f.Disk
	case store.Unverified:
		return "webex-tokend adopt " + name
	case store.Damaged, store.Pending, store.Reauthorize:
		return f.Renewal
	}
	switch cause {
	case Rejected, Ending, EndingSoon:
		return f.Renewal
	case Outputs:
		return "webex-tokend status " + name
	}
	switch {
	case c.Reason == wire.TokenLimitReached: // another refresh is one token more
		return "webex-tokend status " + name
	case cause == Expired, cause == Overdue:
		return refresh
	case c.State != store.OK:
		return refresh
	case f.Lacks != "":
		return f.Renewal
	}
	return ""
}
