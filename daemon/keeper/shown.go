package keeper

import (
	"time"
	"webex-tokend/daemon/config"
	"webex-tokend/store"
)

// shownAs is the state under which the index entries of a group appear: a
// refused client hides milder states, an integration that left the configuration
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

// page is how many records are read at a time.
const page = 1024

// compareEnds orders instants of which zero means "never".
func compareEnds(a, b time.Time) int {
	switch {
	case a.IsZero() && b.IsZero():
		return 0
	case a.IsZero():
		return 1
	case b.IsZero():
		return -1
	}
	return a.Compare(b)
}
