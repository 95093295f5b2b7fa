package keeper

import (
	"context"
	"errors"
	"slices"
	"time"

	"webex-tokend/daemon/config"
	"webex-tokend/store"
)

// An exception is a grant whose state is in memory alone, so that the index
// has it under another one: an answer that the store refuses, an outcome that
// nobody works on, a record that does not open. Of the first two there are as
// many as requests were in flight, at most.
type exception struct {
	indexed store.State // empty: the index does not have it
	cursor  cursor      // where it stands in truth
}

// exceptions reads the records of those grants.
func (k *Keeper) exceptions(ctx context.Context, cfg *config.Config) (map[string]exception, error) {
	found := make(map[string]exception)
	var damaged []string
	for _, name := range k.States.Unindexed() {
		stored, err := k.store.Get(ctx, name)
		if _, bad := errors.AsType[*store.DamagedError](err); bad {
			damaged = append(damaged, name)
			continue
		}
		if errors.Is(err, store.ErrNotFound) || err == nil && stored.Removed {
			continue
		}
		if err != nil {
			return nil, err
		}
		indexed, state := k.shownAs(cfg, stored.Integration, stored.Condition().State), k.States.Condition(stored.Record).State
		if indexed != state {
			found[name] = exception{indexed, cursorAt(state, stored.EndsAt(), name)}
		}
	}
	places, err := k.States.PlacesOf(ctx, damaged)
	if err != nil {
		return nil, err
	}
	for _, name := range damaged {
		e := exception{cursor: cursorAt(store.Damaged, time.Time{}, name)}
		if p, indexed := places[name]; indexed {
			e.indexed = k.shownAs(cfg, p.Integration, p.State)
		}
		found[name] = e
	}
	return found, nil
}

func cursorAt(state store.State, ends time.Time, name string) cursor {
	return cursor{slices.Index(store.ByUrgency(), state), ends, name}
}
