// Package refusal holds why the daemon did not do what it was asked: whose turn it
// is, and what helps.
package refusal

import (
	"errors"
	"time"

	"webex-tokend/store"
)

// An Error gives the reason why something that was asked for was not done.
type Error struct {
	Kind       Kind
	Detail     string        // one line, lower case
	State      store.State   // of the grant; empty: it has none
	Reason     string        // of the state
	Action     string        // a command that can be run; empty: none helps
	RetryAfter time.Duration // with Unavailable and TooMany
}

func (e *Error) Error() string { return e.Detail }

// A Kind sorts refusals by whose turn it is.
type Kind int

const (
	NoSuchGrant Kind = iota // not declared, not stored
	BadName                 // no grant can have that name
	BadContent              // what was to be imported is of no use
	Conflict                // not in this state: pending, paused, reauthorize
	Broker                  // the token endpoint said no
	Unavailable             // later
	TooMany                 // later, since this caller has had enough for now
)

// As finds the refusal in an error.
func As(err error) (*Error, bool) { return errors.AsType[*Error](err) }
