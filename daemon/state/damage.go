package state

import (
	"context"
	"maps"
	"slices"
	"time"

	"webex-tokend/store"
)

// page is how much of the index is read at a time.
const page = 1024

// damagedPause is how long a record that does not open is left alone.
const damagedPause = 10 * time.Minute

// A damage is a record that does not open.
type damage struct {
	since time.Time
	seen  time.Time // last
	// place is where the index has it; nil: nobody has looked yet. It moves
	// when the audit files the record anew, and that shows in the revision.
	place    *Place
	revision store.Revision
}

// A Place is a group of the attention index; the zero Place is none.
type Place struct {
	Integration string
	State       store.State
}

// FoundDamaged remembers a record that does not open, so that its grant is
// left alone for a while and shown as what it is.
func (b *Book) FoundDamaged(bad *store.DamagedError) store.Condition {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := b.now()
	d, known := b.damaged[bad.Name]
	if !known {
		d.since = now
		b.log.Error("record damaged, other grants go on", "grant", bad.Name, "error", bad.Err)
	}
	if d.revision != bad.Revision {
		d.place, d.revision = nil, bad.Revision
	}
	d.seen = now
	b.damaged[bad.Name] = d
	return store.Condition{State: store.Damaged, Reason: "the record does not open", Since: d.since}
}

// PlacesOf reports where the index has damaged grants, whose records cannot tell
// it. Those that are new are searched for, all in one walk through the index.
func (b *Book) PlacesOf(ctx context.Context, names []string) (map[string]Place, error) {
	known, missing := make(map[string]Place), make(map[string]Place)
	b.mu.Lock()
	for _, name := range names {
		if d := b.damaged[name]; d.place != nil {
			known[name] = *d.place
		} else {
			missing[name] = Place{}
		}
	}
	b.mu.Unlock()
	if len(missing) > 0 {
		if err := b.search(ctx, missing); err != nil {
			return nil, err
		}
		b.mu.Lock()
		for name, p := range missing {
			if d, still := b.damaged[name]; still {
				d.place = &p
				b.damaged[name] = d
			}
			known[name] = p
		}
		b.mu.Unlock()
	}
	for name, p := range known {
		if p == (Place{}) {
			delete(known, name)
		}
	}
	return known, nil
}

// search fills in the places of the names in wanted.
func (b *Book) search(ctx context.Context, wanted map[string]Place) error {
	counts, _, err := b.store.Counts(ctx)
	if err != nil {
		return err
	}
	for integration, states := range counts {
		for state := range states {
			var from *store.AttentionGrant
			for {
				list, err := b.store.Attention(ctx, integration, state, from, page)
				if err != nil {
					return err
				}
				for i, g := range list {
					if _, ok := wanted[g.Name]; ok {
						wanted[g.Name] = Place{integration, state}
					}
					from = &list[i]
				}
				if len(list) < page {
					break
				}
			}
		}
	}
	return nil
}

// LeftAlone reports whether the record of the grant did not open a short while
// ago.
func (b *Book) LeftAlone(name string, now time.Time) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	d, damaged := b.damaged[name]
	return damaged && now.Sub(d.seen) < damagedPause
}

// Unindexed lists the grants whose state is in memory alone, so that the index
// may have them under another one: an answer that the store refuses, an outcome
// that nobody works on, a record that does not open.
func (b *Book) Unindexed() []string {
	names := slices.Concat(b.flights.AllUnresolved(), b.trust.Held())
	b.mu.Lock()
	names = slices.AppendSeq(names, maps.Keys(b.damaged))
	b.mu.Unlock()
	slices.Sort(names)
	return slices.Compact(names)
}
