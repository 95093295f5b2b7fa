package keeper

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"webex-tokend/daemon/config"
	"webex-tokend/daemon/grantname"
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

// errNotDue tells the sweep to leave a grant alone for now.
var errNotDue = errors.New("not due")

// absent explains a grant that has no record.
func (k *Keeper) absent(cfg *config.Config, name string) error {
	if err := grantname.Valid(name); err != nil {
		return &Refusal{Kind: BadName, Detail: err.Error()}
	}
	if !cfg.Declared(name) {
		return undeclared(cfg, name)
	}
	c := k.pendingCondition(cfg, name)
	return &Refusal{
		Kind: Conflict, State: c.State, Reason: c.Reason, Action: k.action(name, c),
		Detail: fmt.Sprintf("grant %s has no token yet: %s", name, c.Reason),
	}
}

// undeclared names the block that would declare the grant.
func undeclared(cfg *config.Config, name string) error {
	integration := "NAME"
	if names := slices.Sorted(maps.Keys(cfg.Integrations)); len(names) > 0 {
		integration = names[0]
	}
	return &Refusal{
		Kind:   NoSuchGrant,
		Detail: fmt.Sprintf("no grant %s is declared", name),
		Action: fmt.Sprintf("add to %s: grant %q { integration = %q }", cfg.Path, name, integration),
	}
}

func (k *Keeper) refuse(name string, c store.Condition, what string) error {
	detail := fmt.Sprintf("grant %s %s", name, what)
	if c.Reason != "" {
		detail += ": " + c.Reason
	}
	return &Refusal{Kind: Conflict, State: c.State, Reason: c.Reason, Action: k.action(name, c), Detail: detail}
}

func (k *Keeper) later(name string, c store.Condition, after time.Duration, why string) error {
	return &Refusal{
		Kind: Unavailable, State: c.State, Reason: c.Reason, Action: k.action(name, c),
		Detail: fmt.Sprintf("grant %s: %s", name, why), RetryAfter: max(after.Round(time.Second), time.Second),
	}
}
