package state

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
	NoToken           = "nothing registered"
	reasonSeedMissing = "seed missing"
)

// A vacancy gives the reason why a declared grant has no token.
type vacancy struct {
	reason string
	since  time.Time // this process has known of it
}

// FindPending looks for the pending grants of a configuration. An error leaves
// those that were known.
func (b *Book) FindPending(ctx context.Context, cfg *config.Config) error {
	b.mu.Lock()
	b.changes = make(map[string]bool)
	b.mu.Unlock()
	found, err := b.vacancies(ctx, cfg)
	b.mu.Lock()
	defer b.mu.Unlock()
	changes := b.changes
	b.changes = nil
	if err != nil {
		return err
	}
	for name, v := range found {
		if before, known := b.pending[name]; known {
			found[name] = vacancy{v.reason, before.since}
		}
	}
	// What came and went since the records were read has the last word.
	for name, came := range changes {
		if came {
			delete(found, name)
		} else if v, waits := b.pending[name]; waits && cfg.Declared(name) {
			found[name] = v
		}
	}
	b.pending = found
	return nil
}

// vacancies reads which grants that are declared by their exact name have no
// record.
func (b *Book) vacancies(ctx context.Context, cfg *config.Config) (map[string]vacancy, error) {
	found := make(map[string]vacancy)
	now := b.now()
	for _, g := range cfg.Grants {
		if g.Pattern() {
			continue
		}
		stored, err := b.store.Get(ctx, g.Name)
		if errors.Is(err, store.ErrNotFound) || err == nil && stored.Removed {
			v := vacancy{NoToken, now}
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

// Pend gives the reason why a declared grant has no token, and reports whether it
// is another one than before; it has no effect on a grant that has one. Seeds
// use it to say what is wrong with their file.
func (b *Book) Pend(name, reason string) (news bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	before, pending := b.pending[name]
	if pending {
		b.pending[name] = vacancy{reason, before.since}
	}
	return pending && before.reason != reason
}

// PendingSeeds lists the grants that wait for their seed file.
func (b *Book) PendingSeeds() []*config.Grant {
	cfg := b.config()
	var list []*config.Grant
	for _, name := range b.PendingNames() {
		if g, ok := cfg.Grant(name); ok && g.Seed != nil {
			list = append(list, g)
		}
	}
	return list
}

// PendingNames lists the pending grants, in order.
func (b *Book) PendingNames() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Sorted(maps.Keys(b.pending))
}

// Arrived notes that a grant has a whole record now. What it replaced may have
// been sent, and that is of no interest any more.
func (b *Book) Arrived(name string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.pending, name)
	delete(b.damaged, name)
	b.recordChange(name, true)
	b.flights.Replaced(name)
}

// Left notes that a grant has no record any more.
func (b *Book) Left(cfg *config.Config, name string) {
	g, ok := cfg.Grant(name)
	now := b.now()
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.damaged, name)
	b.recordChange(name, false)
	if ok && !g.Pattern() {
		b.pending[name] = vacancy{NoToken, now}
	}
}

// recordChange lets FindPending know, if it is under way, what has changed since.
// b.mu is held.
func (b *Book) recordChange(name string, came bool) {
	if b.changes != nil {
		b.changes[name] = came
	}
}

// PendingCondition is the state of a grant without a record.
func (b *Book) PendingCondition(cfg *config.Config, name string) store.Condition {
	b.mu.Lock()
	defer b.mu.Unlock()
	v, ok := b.pending[name]
	if !ok {
		v.reason = NoToken
	}
	return store.Condition{State: store.Pending, Reason: v.reason, Since: v.since}
}
