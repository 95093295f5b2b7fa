package refresh

import (
	"context"
	"time"

	"webex-tokend/daemon/circuit"
)

// siblingsLooked bounds how many grants are looked at for one to try.
const siblingsLooked = 16

// blamesClient decides whether a refusal of the client counts for all of its
// grants. While it is not clear, another grant of the client is refreshed at once:
// one request more, against an integration that stands still for the fault of one
// grant.
func (x *Refresher) blamesClient(p *plan) bool {
	switch x.cfg.Circuits.Blame(p.in, p.name(), x.cfg.Now()) {
	case circuit.TheClient:
		return true
	case circuit.TheGrant:
		x.cfg.Log.Warn("client refused for one grant alone", "grant", p.name(), "integration", p.in.Name)
		return false
	}
	sound := x.siblingIsSound(p)
	x.cfg.Circuits.Settled(p.in, p.name(), sound, x.cfg.Now())
	if sound {
		x.cfg.Log.Warn("client refused for one grant alone, and accepted for another", "grant", p.name(), "integration", p.in.Name)
	}
	return !sound
}

// siblingIsSound refreshes another grant of the client, and reports whether the
// client was accepted for it.
func (x *Refresher) siblingIsSound(p *plan) bool {
	ctx, asked := context.Background(), x.cfg.Now()
	all, err := x.cfg.Store.Due(ctx, p.in.Name, asked.Add(farAhead), nil, siblingsLooked)
	if err != nil {
		return false
	}
	for _, g := range all {
		if g.Name == p.name() {
			continue
		}
		before, err := x.cfg.Store.Get(ctx, g.Name)
		if err != nil || before.Failures > 0 || !before.PausedSince.IsZero() || before.Refresh.Value.Empty() {
			continue
		}
		_ = x.refresh(ctx, g.Name, ordered) // what came of it stands in the record
		after, err := x.cfg.Store.Get(ctx, g.Name)
		if err != nil || !after.LastAttemptAt.After(before.LastAttemptAt) {
			continue // it was not sent
		}
		_, refused := x.cfg.Circuits.Refusal(p.in.Name)
		// A refresh token that is refused speaks for the client, which proved
		// itself before.
		return !refused && (after.LastRefreshAt.After(before.LastRefreshAt) || after.Rejection.Count > before.Rejection.Count)
	}
	return false
}

// farAhead is beyond whatever falls due.
const farAhead = 10 * 365 * 24 * time.Hour
