package keeper

import (
	"webex-tokend/daemon/config"
	"webex-tokend/daemon/verdict"
	"webex-tokend/store"
)

// Facts returns what the keeper knows of a grant beside its record, all of one
// moment.
func (k *Keeper) Facts(name, integration string) verdict.Facts {
	cfg := k.config.Load()
	f := verdict.Facts{Declared: cfg.Declared(name), Renewal: k.Renewal(name), Disk: diskAction(cfg)}
	if in, _, declared := cfg.Rules(name); declared {
		f.Minted = in.Kind == config.ServiceApp
	}
	f.Client, _ = k.circuits.Refusal(integration)
	k.mu.Lock()
	defer k.mu.Unlock()
	f.Held = k.held[name]
	if a := k.attempts[name]; a.count > 0 && k.flights[name] == nil {
		f.Open = a.since
	}
	return f
}

func (k *Keeper) condition(r *store.Record) store.Condition {
	return verdict.Condition(r, k.Facts(r.Name, r.Integration))
}

// action is the command that helps with a condition; empty: nothing to do.
func (k *Keeper) action(name string, c store.Condition) string {
	return verdict.Help(name, c, k.Facts(name, ""))
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
