package keeper

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"webex-tokend/daemon/config"
	"webex-tokend/store"
)

// Pending grants are declared by their exact name and have no record. They are
// few, a human wrote each of them, so their names are kept in memory.

// Reasons of grants that are pending.
const (
	reasonNoToken     = "nothing registered"
	reasonSeedMissing = "seed missing"
)

// A vacancy is why a declared grant has no token.
type vacancy struct {
	reason string
	since  time.Time // found by this keeper
}

// findPending looks for the pending grants of a configuration. An error leaves
// those that were known.
func (k *Keeper) findPending(ctx context.Context, cfg *config.Config) error {
	k.mu.Lock()
	k.comings = make(map[string]bool)
	k.mu.Unlock()
	found, err := k.vacancies(ctx, cfg)
	k.mu.Lock()
	defer k.mu.Unlock()
	comings := k.comings
	k.comings = nil
	if err != nil {
		return err
	}
	for name, v := range found {
		if before, known := k.pending[name]; known {
			found[name] = vacancy{v.reason, before.since}
		}
	}
	// What came and went since the records were read has the last word.
	for name, came := range comings {
		if came {
			delete(found, name)
		} else if v, waits := k.pending[name]; waits && cfg.Declared(name) {
			found[name] = v
		}
	}
	k.pending = found
	return nil
}

// vacancies reads which grants that are declared by their exact name have no
// record.
func (k *Keeper) vacancies(ctx context.Context, cfg *config.Config) (map[string]vacancy, error) {
	found := make(map[string]vacancy)
	now := k.now()
	for _, g := range cfg.Grants {
		if g.Pattern() {
			continue
		}
		stored, err := k.store.Get(ctx, g.Name)
		if errors.Is(err, store.ErrNotFound) || err == nil && stored.Removed {
			v := vacancy{reasonNoToken, now}
			if g.Seed != nil && (err != nil || !stored.Removed) {
				v.reason = reasonSeedMissing
			}
			found[g.Name] = v
			continue
		}
		if _, damaged := errors.AsType[*store.DamagedError](err); err != nil && !damaged {
			return nil, fmt.Errorf("look for grant %s: %w", g.Name, err)
		}
	}
	return found, nil
}

// Pend gives the reason why a declared grant has no token, and tells whether it
// is another one than before; it has no effect on a grant that has one. Seeds
// use it to say what is wrong with their file.
func (k *Keeper) Pend(name, reason string) (news bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	before, pending := k.pending[name]
	if pending {
		k.pending[name] = vacancy{reason, before.since}
	}
	return pending && before.reason != reason
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
	k.note(name, true)
	if k.flights[name] == nil {
		delete(k.attempts, name)
	}
}

func (k *Keeper) left(cfg *config.Config, name string) {
	g, ok := cfg.Grant(name)
	now := k.now()
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.damaged, name)
	k.note(name, false)
	if ok && !g.Pattern() {
		k.pending[name] = vacancy{reasonNoToken, now}
	}
}

// note tells findPending, if it is under way, what happens behind its back.
// k.mu is held.
func (k *Keeper) note(name string, came bool) {
	if k.comings != nil {
		k.comings[name] = came
	}
}

func (k *Keeper) pendingCondition(cfg *config.Config, name string) store.Condition {
	k.mu.Lock()
	defer k.mu.Unlock()
	v, ok := k.pending[name]
	if !ok {
		v.reason = reasonNoToken
	}
	return store.Condition{State: store.Pending, Reason: v.reason, Since: v.since}
}
