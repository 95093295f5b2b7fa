package keeper

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"webex-tokend/daemon/config"
	"webex-tokend/store"
)

// Pending grants are declared by their exact name and have no record. They are
// few, a human wrote each of them, so their names are kept in memory.

func (k *Keeper) findPending(ctx context.Context, cfg *config.Config) error {
	found := make(map[string]string)
	for _, g := range cfg.Grants {
		if g.Pattern() {
			continue
		}
		stored, err := k.store.Get(ctx, g.Name)
		if errors.Is(err, store.ErrNotFound) || err == nil && stored.Removed {
			found[g.Name] = reasonNoToken
			if g.Seed != nil && (err != nil || !stored.Removed) {
				found[g.Name] = reasonSeedMissing
			}
			continue
		}
		if _, damaged := errors.AsType[*store.DamagedError](err); err != nil && !damaged {
			return fmt.Errorf("look for grant %s: %w", g.Name, err)
		}
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.pending = found
	return nil
}

// Pend gives the reason why a declared grant has no token, and tells whether it
// is another one than before; it has no effect on a grant that has one. Seeds
// use it to say what is wrong with their file.
func (k *Keeper) Pend(name, reason string) (news bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	before, pending := k.pending[name]
	if pending {
		k.pending[name] = reason
	}
	return pending && before != reason
}

// PendingSeeds lists the grants that wait for their seed file.
func (k *Keeper) PendingSeeds() []*config.Grant {
	cfg := k.config.Load()
	var list []*config.Grant
	for _, name := range k.pendingNames() {
		if g, ok := cfg.Grant(name); ok && g.Seed != nil {
			list = append(list, g)
		}
	}
	return list
}

func (k *Keeper) pendingNames() []string {
	k.mu.Lock()
	defer k.mu.Unlock()
	return slices.Sorted(maps.Keys(k.pending))
}

// arrived and left keep what is in memory of a grant in step with its record.
func (k *Keeper) arrived(name string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.pending, name)
	delete(k.damaged, name)
	if k.flights[name] == nil {
		delete(k.attempts, name)
	}
}

func (k *Keeper) left(cfg *config.Config, name string) {
	g, ok := cfg.Grant(name)
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.damaged, name)
	if ok && !g.Pattern() {
		k.pending[name] = reasonNoToken
	}
}

func (k *Keeper) pendingCondition(cfg *config.Config, name string) store.Condition {
	k.mu.Lock()
	defer k.mu.Unlock()
	reason, ok := k.pending[name]
	if !ok {
		reason = reasonNoToken
	}
	return store.Condition{State: store.Pending, Reason: reason}
}
