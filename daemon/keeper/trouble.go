package keeper

import (
	"maps"
	"slices"
	"time"

	"webex-tokend/store"
)

// A Trouble is what holds back more than one grant. The zero Trouble is none.
type Trouble struct {
	// Rejected are the integrations whose client is refused. One is missing here
	// while it is tried again: only a refresh proves that it is accepted.
	Rejected map[string]store.Condition
	// Unpersisted are the grants with an answer that is in memory alone, in order.
	Unpersisted []string
	// StoreRefused is when the store last refused a write; zero: it never did.
	// Only a later refresh proves that it accepts them again.
	StoreRefused time.Time
	// Overdue counts refreshes that should have begun more than 5 minutes ago, as
	// the last sweep found.
	Overdue int
}

// Trouble returns what there is at this moment.
func (k *Keeper) Trouble() Trouble {
	k.mu.Lock()
	defer k.mu.Unlock()
	t := Trouble{
		Rejected:    make(map[string]store.Condition),
		Unpersisted: slices.Sorted(maps.Keys(k.held)),
		Overdue:     k.health.wire().Overdue,
	}
	if !k.storeTry.IsZero() {
		t.StoreRefused = k.storeTry.Add(-storePause)
	}
	for name, c := range k.circuits {
		t.Rejected[name] = c.condition()
	}
	return t
}
