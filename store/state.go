package store

import "time"

// A State is what holds a grant back, or OK. Every state but OK comes with a
// reason, an instant since when, and a next action.
type State string

// The states in their order of precedence when several hold.
const (
	Damaged       State = "damaged"       // the record does not open
	Unpersisted   State = "unpersisted"   // an answer is held in memory: the store refused it
	Unverified    State = "unverified"    // restored from an older copy
	Paused        State = "paused"        // by the operator, or no longer declared
	Reauthorize   State = "reauthorize"   // a human must consent again
	Misconfigured State = "misconfigured" // the client was rejected
	Unknown       State = "unknown"       // sent, and its outcome never became durable
	Retrying      State = "retrying"      // the last try failed, transient
	Pending       State = "pending"       // declared, nothing registered yet
	OK            State = "ok"
)

// ByUrgency lists the states as an operator reads them, the one that needs
// somebody first at the front. It differs from precedence in one point: a
// grant that the operator paused himself can wait.
func ByUrgency() []State {
	return []State{Damaged, Unpersisted, Unverified, Reauthorize, Misconfigured, Unknown, Retrying, Pending, Paused, OK}
}

// A Condition is a state with its explanation.
type Condition struct {
	State  State
	Reason string
	Since  time.Time
}

// Condition derives the state that the record itself bears out. Damaged,
// Unpersisted, Misconfigured, Pending and the reason "undeclared" are not in
// a record; the keeper adds them when it reads.
func (r *Record) Condition() Condition {
	switch {
	case !r.UnverifiedSince.IsZero():
		return Condition{Unverified, "restored from an older copy", r.UnverifiedSince}
	case !r.PausedSince.IsZero():
		return Condition{Paused, "paused by the operator", r.PausedSince}
	case !r.UndeclaredSince.IsZero():
		return Condition{Paused, "undeclared", r.UndeclaredSince}
	case !r.ReauthorizeSince.IsZero():
		return Condition{Reauthorize, r.Reason, r.ReauthorizeSince}
	case !r.UnknownSince.IsZero():
		return Condition{Unknown, r.Reason, r.UnknownSince}
	case r.Failures > 0:
		return Condition{Retrying, r.Reason, r.FailingSince}
	}
	return Condition{State: OK}
}
