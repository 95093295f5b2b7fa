package alert

import (
	"context"

	"webex-tokend/daemon/event"
	"webex-tokend/store"
)

// mostCollected bounds the grants that wait for a look. Events only make alerts
// prompt: what is dropped here is found by the walk, or comes up again with the
// next attempt to refresh.
const mostCollected = 4096

// changes are what came up since the last look.
type changes struct {
	look   bool            // at everything
	grants map[string]bool // in trouble, or with an entry
	// refreshed are grants that were, where that proves that something is over.
	refreshed map[string]bool
	stored    bool // the outcome of some refresh
}

// listen collects what events tell until ctx or the stream ends.
func (a *Alerts) listen(ctx context.Context, events Stream) {
	defer events.Close()
	for {
		list, err := events.Next(ctx)
		if err != nil {
			return
		}
		found := false
		a.shared.mu.Lock()
		for _, e := range list {
			found = a.collect(e) || found
		}
		a.shared.mu.Unlock()
		if found {
			a.rouse()
		}
	}
}

// collect notes an event and tells whether it matters. It must cost little: most
// are of grants that are well. a.shared.mu is held.
func (a *Alerts) collect(e event.Event) bool {
	n := &a.shared.changes
	if n.grants == nil {
		n.grants, n.refreshed = make(map[string]bool), make(map[string]bool)
	}
	if e.Kind == event.Skipped {
		n.look = true
		return true
	}
	matters := a.shared.watched[e.Grant]
	switch e.State {
	case store.OK, store.Pending, store.Paused:
	default:
		matters = true
	}
	if matters && len(n.grants) < mostCollected {
		n.grants[e.Grant] = true
	}
	if e.Kind == event.Refreshed || e.Kind == event.Failed {
		n.stored = true
		matters = matters || a.shared.unproven
	}
	if e.Kind == event.Refreshed && a.shared.unproven && len(n.refreshed) < mostCollected {
		n.refreshed[e.Grant] = true
	}
	return matters
}

// take empties the changes.
func (a *Alerts) take() changes {
	a.shared.mu.Lock()
	defer a.shared.mu.Unlock()
	n := a.shared.changes
	a.shared.changes = changes{}
	return n
}
