package report

import (
	"context"
	"errors"
	"maps"
	"time"

	"webex-tokend/daemon/verdict"
	"webex-tokend/store"
)

// An apart is a grant of which memory has what is in no index: an answer
// that the store refuses, an outcome that nobody works on, a record that does not
// open. Of the first two there are as many as requests were in flight, at most.
type apart struct {
	record  *store.Record
	verdict verdict.Verdict
	place   *store.Place // where the index has it; nil: nowhere
	end     time.Time    // as the index has it
}

// standApart reads the records of those grants.
func (r *Report) standApart(ctx context.Context, g *glance) (map[string]apart, error) {
	names := r.cfg.States.Unindexed()
	found := make(map[string]apart, len(names))
	wanted := make(map[string]store.Revision) // damaged
	for _, name := range names {
		stored, err := r.cfg.Store.Get(ctx, name)
		if bad, damaged := errors.AsType[*store.DamagedError](err); damaged {
			wanted[name] = bad.Revision
			rec := &store.Record{Name: name}
			found[name] = apart{record: rec, verdict: verdict.Of(rec, verdict.Facts{Absent: r.cfg.States.FoundDamaged(bad)}, g.now)}
			continue
		}
		if errors.Is(err, store.ErrNotFound) || err == nil && stored.Removed {
			continue
		}
		if err != nil {
			return nil, err
		}
		place := stored.Place()
		found[name] = apart{stored.Record, r.verdictOf(g, stored.Record), &place, stored.EndsAt()}
	}
	if err := r.file(ctx, wanted); err != nil {
		return nil, err
	}
	for name := range wanted {
		a := found[name]
		a.place, a.end = r.filedAt(name)
		found[name] = a
	}
	return found, nil
}

// verdictOf returns the verdict of a record as lists and counts need it.
func (r *Report) verdictOf(g *glance, rec *store.Record) verdict.Verdict {
	f := r.cfg.States.Facts(rec.Name, rec.Integration)
	f.Outputs = g.failing[rec.Name]
	return verdict.Of(rec, f, g.now)
}

// A filing is where the index has a damaged record, which cannot tell it. It moves
// when the audit files the record anew, and that shows in the revision.
type filing struct {
	revision store.Revision
	place    *store.Place // nil: nowhere
	end      time.Time
}

func (r *Report) filedAt(name string) (place *store.Place, end time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.filed[name].place, r.filed[name].end
}

// file finds out where the index has damaged grants. Those that are new are
// searched for, all in one walk through the index.
func (r *Report) file(ctx context.Context, damaged map[string]store.Revision) error {
	missing := make(map[string]filing)
	r.mu.Lock()
	for name, filed := range r.filed {
		if damaged[name] != filed.revision {
			delete(r.filed, name)
		}
	}
	for name := range damaged {
		if _, known := r.filed[name]; !known {
			missing[name] = filing{revision: damaged[name]}
		}
	}
	r.mu.Unlock()
	if len(missing) == 0 {
		return nil
	}
	if err := r.search(ctx, missing); err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	maps.Copy(r.filed, missing)
	return nil
}

// search fills in the places of the names in wanted.
func (r *Report) search(ctx context.Context, wanted map[string]filing) error {
	places, _, err := r.cfg.Store.Places(ctx)
	if err != nil {
		return err
	}
	for _, p := range places {
		if p.Part == store.Expires {
			continue
		}
		var from *store.AttentionGrant
		for {
			list, err := r.cfg.Store.Attention(ctx, p.Place, from, time.Time{}, page)
			if err != nil {
				return err
			}
			for i, g := range list {
				if f, ok := wanted[g.Name]; ok {
					wanted[g.Name] = filing{f.revision, &p.Place, g.At}
				}
				from = &list[i]
			}
			if len(list) < page {
				break
			}
		}
	}
	return nil
}
