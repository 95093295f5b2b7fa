package state

import (
	"maps"
	"slices"
	"time"

	"webex-tokend/store"
)

// damagedPause is how long a record that does not open is left alone.
const damagedPause = 10 * time.Minute

// A damage is a record that does not open.
type damage struct {
	since time.Time
	seen  time.Time // last
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
	d.seen = now
	b.damaged[bad.Name] = d
	return store.Condition{State: store.Damaged, Reason: "the record does not open", Since: d.since}
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
