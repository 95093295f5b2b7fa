package state

import (
	"maps"
	"slices"

	"webex-tokend/daemon/config"
	"webex-tokend/daemon/event"
	"webex-tokend/daemon/verdict"
	"webex-tokend/store"
)

// wake notes a grant that got tokens by a refresh, an import or a consent, or that
// the operator resumed or adopted: if it is the manager of service apps that are not
// well, it may help them now.
func (b *Book) wake(kind event.Kind, name string, c store.Condition) {
	switch {
	case kind == event.Changed && c.State != store.OK:
		return
	case kind != event.Changed && kind != event.Refreshed && kind != event.Registered, c.State == store.Paused, c.State == store.Unverified:
		return
	}
	for _, in := range b.config().Integrations {
		if in.Manager == name {
			b.mu.Lock()
			b.woken[name] = struct{}{}
			b.mu.Unlock()
			return
		}
	}
}

// Woken returns the managers that got tokens since it was asked last.
func (b *Book) Woken() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	names := slices.Sorted(maps.Keys(b.woken))
	clear(b.woken)
	return names
}

// PendingFacts is what there is to know of a grant that waits for its first tokens.
func (b *Book) PendingFacts(cfg *config.Config, name string) verdict.Facts {
	in, _, declared := cfg.Rules(name)
	return verdict.Facts{Absent: b.PendingCondition(cfg, name), Minted: declared && in.Kind == config.ServiceApp}
}
