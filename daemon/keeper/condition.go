package keeper

import (
	"time"

	"webex-tokend/daemon/config"
	"webex-tokend/daemon/outcome"
	"webex-tokend/store"
)

// Reasons that the keeper derives.
const (
	reasonUndeclared  = "undeclared"
	reasonUnpersisted = "the store refuses an answer"
	reasonNoToken     = "nothing registered"
	reasonSeedMissing = "seed missing"
)

// condition is the state of a record together with what only the keeper knows,
// in the order of precedence that store.State lists.
func (k *Keeper) condition(r *store.Record) store.Condition {
	if since, held := k.heldSince(r.Name); held {
		return store.Condition{State: store.Unpersisted, Reason: reasonUnpersisted, Since: since}
	}
	c := r.Condition()
	if c.State == store.Unverified {
		return c
	}
	if !k.config.Load().Declared(r.Name) {
		if r.PausedSince.IsZero() {
			return store.Condition{State: store.Paused, Reason: reasonUndeclared, Since: r.UndeclaredSince}
		}
		return c
	}
	if c.Reason == reasonUndeclared {
		c = declaredCondition(r) // declared again, and the index does not know yet
	}
	switch c.State {
	case store.Paused, store.Reauthorize:
		return c
	}
	if open, ok := k.circuits.Refusal(r.Integration); ok {
		return open
	}
	if since, unknown := k.unknownOutcome(r.Name); unknown && c.State != store.Unknown {
		return store.Condition{State: store.Unknown, Reason: "no_answer", Since: since}
	}
	return c
}

func declaredCondition(r *store.Record) store.Condition {
	declared := *r
	declared.UndeclaredSince = time.Time{}
	return declared.Condition()
}

// shownAs is the state under which the index entries of a group appear: an
// open circuit hides milder states, an integration that left the configuration
// pauses all of its grants.
func (k *Keeper) shownAs(cfg *config.Config, integration string, state store.State) store.State {
	switch state {
	case store.Damaged, store.Unverified, store.Paused:
		return state
	}
	if _, declared := cfg.Integrations[integration]; !declared {
		return store.Paused
	}
	if state != store.Reauthorize {
		if _, open := k.circuits.Refusal(integration); open {
			return store.Misconfigured
		}
	}
	return state
}

// diskAction shows whether the disk of the store is full.
func diskAction(cfg *config.Config) string { return "df -h " + cfg.StateDir }

// action is the command that helps with a condition; empty: nothing to do.
func (k *Keeper) action(name string, c store.Condition) string {
	switch c.State {
	case store.OK:
		return ""
	case store.Paused:
		if c.Reason == reasonUndeclared {
			return "webex-tokend validate"
		}
		return "webex-tokend resume " + name
	case store.Misconfigured:
		return "webex-tokend validate"
	case store.Unpersisted:
		return diskAction(k.config.Load())
	case store.Unverified:
		return "webex-tokend adopt " + name
	case store.Damaged, store.Pending, store.Reauthorize:
		return k.Renewal(name)
	}
	if c.Reason == outcome.Rejected {
		return k.Renewal(name)
	}
	return "webex-tokend refresh " + name
}
