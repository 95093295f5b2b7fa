package keeper

import (
	"context"
	"time"

	"webex-tokend/store"
)

// A damage is a record that does not open.
type damage struct {
	since time.Time
	seen  time.Time // last
	// place is where the index has it; nil: nobody has looked yet. It moves
	// when the audit files the record anew, and that shows in the revision.
	place    *place
	revision store.Revision
}

// A place is a group of the attention index; the zero place is none.
type place struct {
	integration string
	state       store.State
}

// foundDamaged remembers a record that does not open, so that its grant is
// left alone for a while and shown as what it is.
func (k *Keeper) foundDamaged(bad *store.DamagedError) store.Condition {
	k.mu.Lock()
	defer k.mu.Unlock()
	now := k.now()
	d, known := k.damaged[bad.Name]
	if !known {
		d.since = now
		k.log.Error("record damaged, other grants go on", "grant", bad.Name, "error", bad.Err)
	}
	if d.revision != bad.Revision {
		d.place, d.revision = nil, bad.Revision
	}
	d.seen = now
	k.damaged[bad.Name] = d
	return store.Condition{State: store.Damaged, Reason: "the record does not open", Since: d.since}
}

// placesOf tells where the index has damaged grants, whose records cannot tell
// it. Those that are new are searched for, all in one walk through the index.
func (k *Keeper) placesOf(ctx context.Context, names []string) (map[string]place, error) {
	known, missing := make(map[string]place), make(map[string]place)
	k.mu.Lock()
	for _, name := range names {
		if d := k.damaged[name]; d.place != nil {
			known[name] = *d.place
		} else {
			missing[name] = place{}
		}
	}
	k.mu.Unlock()
	if len(missing) > 0 {
		if err := k.search(ctx, missing); err != nil {
			return nil, err
		}
		k.mu.Lock()
		for name, p := range missing {
			if d, still := k.damaged[name]; still {
				d.place = &p
				k.damaged[name] = d
			}
			known[name] = p
		}
		k.mu.Unlock()
	}
	for name, p := range known {
		if p == (place{}) {
			delete(known, name)
		}
	}
	return known, nil
}

// search fills in the places of the names in wanted.
func (k *Keeper) search(ctx context.Context, wanted map[string]place) error {
	counts, _, err := k.store.Counts(ctx)
	if err != nil {
		return err
	}
	for integration, states := range counts {
		for state := range states {
			var from *store.AttentionGrant
			for {
				list, err := k.store.Attention(ctx, integration, state, from, page)
				if err != nil {
					return err
				}
				for i, g := range list {
					if _, ok := wanted[g.Name]; ok {
						wanted[g.Name] = place{integration, state}
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
