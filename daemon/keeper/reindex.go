package keeper

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"maps"
	"slices"
	"time"

	"webex-tokend/daemon/config"
	"webex-tokend/daemon/schedule"
	"webex-tokend/store"
)

// The blob "reindex" remembers how far the schedule was brought in line with
// which rules, so that a restart neither repeats nor forgets a walk.
const reindexBlob = "reindex"

type reindexCursor struct {
	Rules uint64 `json:"rules"` // hash of what due times depend on
	After string `json:"after"` // name of the last grant looked at
	Done  bool   `json:"done"`
}

// startReindex brings due times and declarations in line with a configuration,
// behind its return. A walk under way for an older one ends first.
func (k *Keeper) startReindex(cfg *config.Config) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.stopping {
		return
	}
	k.endWalk()
	before := k.reindexed
	ctx, cancel := context.WithCancel(k.working)
	done := make(chan struct{})
	k.endWalk, k.reindexed = cancel, done
	k.tasks.Go(func() {
		defer close(done)
		defer cancel()
		if before != nil {
			<-before
		}
		if err := k.reindex(ctx, cfg); err != nil && ctx.Err() == nil {
			k.log.Error("schedule not brought in line with the configuration", "error", err)
		}
	})
}

func (k *Keeper) reindex(ctx context.Context, cfg *config.Config) error {
	cursor, revision, err := k.loadCursor(ctx)
	if err != nil {
		return err
	}
	if rules := hashRules(cfg); cursor.Rules != rules {
		cursor = reindexCursor{Rules: rules}
	} else if cursor.Done {
		return nil
	}
	for !cursor.Done {
		list, damaged, err := k.store.List(ctx, cursor.After, page/4)
		if err != nil {
			return err
		}
		for _, s := range list {
			cursor.After = max(cursor.After, s.Name)
			if err := k.realign(ctx, cfg, s); err != nil {
				return err
			}
		}
		for _, d := range damaged {
			cursor.After = max(cursor.After, d.Name)
		}
		cursor.Done = len(list)+len(damaged) < page/4
		value, err := json.Marshal(cursor)
		if err != nil {
			return err
		}
		if revision, err = k.store.SwapBlob(ctx, reindexBlob, revision, value); err != nil {
			return fmt.Errorf("store cursor: %w", err)
		}
		if err := pause(ctx, 5*time.Millisecond); err != nil {
			return err
		}
	}
	return nil
}

func (k *Keeper) loadCursor(ctx context.Context) (c reindexCursor, revision store.Revision, err error) {
	blob, err := k.store.Blob(ctx, reindexBlob)
	if errors.Is(err, store.ErrNotFound) {
		return c, store.Absent, nil
	}
	if err != nil {
		return c, 0, fmt.Errorf("read cursor: %w", err)
	}
	// One that does not parse starts the walk anew.
	if json.Unmarshal(blob.Value, &c) != nil {
		c = reindexCursor{}
	}
	return c, blob.Revision, nil
}

// realign stores a record anew if the configuration sees it differently. One
// that somebody changed meanwhile was computed by the new rules already.
func (k *Keeper) realign(ctx context.Context, cfg *config.Config, s store.Stored) error {
	if s.Removed {
		return nil
	}
	r := *s.Record
	in, grant, declared := rules(cfg, r.Name)
	switch {
	case !declared && r.UndeclaredSince.IsZero():
		r.UndeclaredSince, r.DueAt = k.now(), time.Time{}
	case !declared:
		return nil
	default:
		r.UndeclaredSince = time.Time{}
		r.Integration, r.Kind = in.Name, string(in.Kind)
		if r.Failures == 0 && r.ReauthorizeSince.IsZero() && in.Kind != config.Static {
			r.DueAt = schedule.Due(r.Name, life(&r), rule(in, grant))
		}
		if r.DueAt.IsZero() && !r.Refresh.Value.Empty() {
			r.DueAt = k.now()
		}
	}
	if r.DueAt.Equal(s.DueAt) && r.UndeclaredSince.Equal(s.UndeclaredSince) && r.Integration == s.Integration && r.Kind == s.Kind {
		return nil
	}
	_, err := k.store.Put(ctx, store.Update{Record: &r, Expect: s.Revision})
	if errors.Is(err, store.ErrConflict) {
		return nil
	}
	return err
}

// hashRules covers what a due time or a declaration depends on.
func hashRules(cfg *config.Config) uint64 {
	h := fnv.New64a()
	for _, g := range cfg.Grants {
		fmt.Fprintf(h, "%q %q %v %v %q\n", g.Name, g.Integration, g.Refresh.Fraction, g.Refresh.Before, g.Refresh.CalendarSpec)
	}
	for _, name := range slices.Sorted(maps.Keys(cfg.Integrations)) {
		in := cfg.Integrations[name]
		fmt.Fprintf(h, "%q %q %v\n", name, in.Kind, in.MinInterval)
	}
	return h.Sum64()
}
