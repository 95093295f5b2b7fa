package sweep

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"maps"
	"slices"
	"sync"
	"time"

	"webex-tokend/daemon/config"
	"webex-tokend/daemon/duration"
	"webex-tokend/daemon/outcome"
	"webex-tokend/daemon/schedule"
	"webex-tokend/store"
)

// The blob "reindex" remembers how far the schedule was brought in line with
// which rules, so that a restart neither repeats nor forgets a walk.
const reindexBlob = "reindex"

// reindexAgain is how long a walk waits that the store stopped.
const reindexAgain = 10 * time.Second

type reindexCursor struct {
	Rules uint64 `json:"rules"` // hash of what due times depend on
	After string `json:"after"` // name of the last grant looked at
	Done  bool   `json:"done"`
}

// A walk is the one under way over all records. Its zero value is none.
type walk struct {
	mu   sync.Mutex
	done chan struct{} // closed when it has ended
	end  context.CancelFunc
}

// startReindex brings due times and declarations in line with a configuration, in
// the background. A walk under way for an older one ends first. All makes it begin
// anew, whatever was walked before.
func (w *Sweeper) startReindex(cfg *config.Config, all bool) {
	w.walk.mu.Lock()
	defer w.walk.mu.Unlock()
	if w.walk.end != nil {
		w.walk.end()
	}
	before := w.walk.done
	ctx, cancel := context.WithCancel(w.term())
	done := make(chan struct{})
	w.walk.end, w.walk.done = cancel, done
	w.begin(func() {
		defer close(done)
		defer cancel()
		if before != nil {
			<-before
		}
		for told := false; ; told = true {
			err := w.reindex(ctx, cfg, all)
			if err == nil || ctx.Err() != nil {
				return
			}
			if !told {
				w.cfg.Log.Error("schedule not brought in line with the configuration, trying again", "error", err)
			}
			if !duration.Wait(ctx, reindexAgain) {
				return
			}
		}
	})
}

func (w *Sweeper) reindex(ctx context.Context, cfg *config.Config, all bool) error {
	cursor, revision, err := w.loadCursor(ctx)
	if err != nil {
		return err
	}
	if rules := hashRules(cfg); all || cursor.Rules != rules {
		cursor = reindexCursor{Rules: rules}
	} else if cursor.Done {
		return nil
	}
	for part, err := range w.cfg.Store.All(ctx, cursor.After, page/4) {
		if err != nil {
			return err
		}
		for _, s := range part.Records {
			if err := w.realign(ctx, cfg, s); err != nil {
				return err
			}
		}
		cursor.After, cursor.Done = part.Last, !part.More
		value, err := json.Marshal(cursor)
		if err != nil {
			return err
		}
		if revision, err = w.cfg.Store.SwapBlob(ctx, reindexBlob, revision, value); err != nil {
			return fmt.Errorf("store cursor: %w", err)
		}
		if !duration.Wait(ctx, 5*time.Millisecond) {
			return ctx.Err()
		}
	}
	return nil
}

func (w *Sweeper) loadCursor(ctx context.Context) (c reindexCursor, revision store.Revision, err error) {
	blob, err := w.cfg.Store.Blob(ctx, reindexBlob)
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

// realign stores a record anew if the configuration sees it differently, and
// asks again when somebody changed it meanwhile: an operator's change leaves
// the due time as it was.
func (w *Sweeper) realign(ctx context.Context, cfg *config.Config, s store.Stored) error {
	for {
		r, changed := aligned(cfg, s.Record, w.cfg.Now())
		if !changed {
			return nil
		}
		_, err := w.cfg.Store.Put(ctx, store.Update{Record: r, Expect: s.Revision})
		if !errors.Is(err, store.ErrConflict) {
			return err
		}
		s, err = w.cfg.Store.Get(ctx, s.Name)
		if _, damaged := errors.AsType[*store.DamagedError](err); damaged || errors.Is(err, store.ErrNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// aligned returns a record as the configuration sees it.
func aligned(cfg *config.Config, was *store.Record, now time.Time) (r *store.Record, changed bool) {
	if was.Removed {
		return was, false
	}
	is := *was
	in, grant, declared := cfg.Rules(is.Name)
	switch {
	case !declared && is.UndeclaredSince.IsZero():
		is.UndeclaredSince, is.DueAt = now, time.Time{}
	case declared:
		is.UndeclaredSince = time.Time{}
		is.Integration, is.Kind = in.Name, string(in.Kind)
		if in.Kind == config.Static && is.Reason == outcome.TokenExpired && now.Before(is.Token.ExpiresAt) {
			// It expired under a clock that was ahead.
			is.ReauthorizeSince, is.Reason = time.Time{}, ""
		}
		is.DueAt = alignedDue(&is, in, grant, now)
	}
	changed = !is.DueAt.Equal(was.DueAt) || !is.ReauthorizeSince.Equal(was.ReauthorizeSince) || !is.UndeclaredSince.Equal(was.UndeclaredSince) ||
		is.Integration != was.Integration || is.Kind != was.Kind
	return &is, changed
}

// alignedDue is the due time of a declared grant under these rules.
func alignedDue(r *store.Record, in *config.Integration, grant *config.Grant, now time.Time) time.Time {
	troubled := r.Failures > 0 || !r.ReauthorizeSince.IsZero()
	switch {
	case in.Kind == config.Static && troubled:
		return time.Time{}
	case in.Kind == config.Static:
		return r.Token.ExpiresAt
	case r.Refresh.Value.Empty():
		return time.Time{}
	case outcome.Ahead(r.Token.IssuedAt, now) || outcome.Ahead(r.LastAttemptAt, now):
		// It happened under a clock that was wrong: nothing is known of its end.
		return schedule.Spread(r.Name, now, time.Minute)
	case r.DueAt.IsZero() && troubled:
		return now
	case troubled:
		return r.DueAt
	case !r.DueAt.IsZero() && r.DueAt.Before(now.Add(time.Minute)):
		// It is about to be refreshed, perhaps because nothing is known of its
		// life; then these rules hold.
		return r.DueAt
	}
	if due := outcome.Due(r, outcome.RuleOf(in, grant)); !due.IsZero() {
		return due
	}
	return now
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
