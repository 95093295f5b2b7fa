package keeper

import (
	"time"

	"webex-tokend/store"
)

// A Refusal is why the keeper did not do what it was asked.
type Refusal struct {
	Kind       RefusalKind
	Detail     string // one line, lower case
	State      store.State
	Reason     string
	Action     string        // a command that can be run
	RetryAfter time.Duration // with Unavailable
}

func (r *Refusal) Error() string { return r.Detail }

// A RefusalKind sorts refusals by whose turn it is.
type RefusalKind int

const (
	NoSuchGrant RefusalKind = iota // not declared, not stored
	BadName                        // no grant can have that name
	BadContent                     // what was to be imported is of no use
	Conflict                       // not in this state: pending, paused, reauthorize
	Broker                         // the token endpoint said no
	Unavailable                    // later
)
