package keeper

import (
	"context"
	"errors"
	"slices"

	"webex-tokend/daemon/config"
	"webex-tokend/store"
)

// An exception is a grant whose state is in memory alone, so that the index
// has it under another one: an answer that the store refuses, an outcome that
// nobody works on. There are as many as requests were in flight, at most.
type exception struct {
	indexed store.State
	cursor  cursor // where it stands in truth
}

// exceptions reads the records of those grants.
func (k *Keeper) exceptions(ctx context.Context, cfg *config.Config) (map[string]exception, error) {
	found := make(map[string]exception)
	for _, name := range k.exceptionalNames() {
		stored, err := k.store.Get(ctx, name)
		if _, damaged := errors.AsType[*store.DamagedError](err); damaged || errors.Is(err, store.ErrNotFound) || err == nil && stored.Removed {
			continue
		}
		if err != nil {
			return nil, err
		}
		indexed, state := k.shownAs(cfg, stored.Integration, stored.Condition().State), k.condition(stored.Record).State
		if indexed != state {
			at := cursor{slices.Index(store.ByUrgency(), state), stored.EndsAt(), name}
			found[name] = exception{indexed, at}
		}
	}
	return found, nil
}

func (k *Keeper) exceptionalNames() (names []string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for name := range k.held {
		names = append(names, name)
	}
	for name := range k.attempts {
		if _, held := k.held[name]; !held && k.flights[name] == nil {
			names = append(names, name)
		}
	}
	return names
}
