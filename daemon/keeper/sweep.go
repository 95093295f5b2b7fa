package keeper

import (
	"cmp"
	"context"
	"slices"
	"time"

	"webex-tokend/daemon/config"
	"webex-tokend/daemon/endpoint"
	"webex-tokend/daemon/verdict"
	"webex-tokend/store"
)

const (
	// taken is how many due grants of one integration a sweep hands over, at
	// most; the next sweep sorts anew.
	taken = 16384
	page  = 1024
)

// Sweep hands every grant that is due to the lane of its endpoint and returns.
// It looks at each integration by itself, so that one blocked endpoint never
// hides the others. An empty answer of the due index costs microseconds.
func (k *Keeper) Sweep(ctx context.Context) {
	cfg, now := k.config.Load(), k.now()
	k.watchClock(ctx, now)
	k.mintPending(ctx, cfg, now)
	if name, again := k.trust.Retry(now, k.flights.Flying); again {
		k.fly(name, ordered)
	}
	due := make(map[*endpoint.Endpoint][]store.DueGrant)
	var overdue int
	for name, in := range cfg.Integrations {
		e := k.endpoints.Of(in.TokenURL)
		if e == nil {
			continue // a reload is just taking the integration away
		}
		list, late, err := k.dueOf(ctx, cfg, in, now)
		if err != nil {
			k.log.Error("sweep failed", "integration", name, "error", err)
			continue
		}
		overdue += late
		all, one := k.circuits.Passable(in, now)
		all = all && !e.Broken()
		switch {
		case e.PausedFor(now) > 0 || e.ProbeIn(now) > 0 || !k.trust.Writable(now) || !one:
		case all:
			due[e] = append(due[e], list...)
		case len(list) > 0:
			// The client was refused, or the endpoint fails: one request tries.
			due[e] = append(due[e], k.pioneer(in, list))
		}
	}
	for e, list := range due {
		k.queue(k.lane(e.URL()), list, e.Limits().InFlight)
	}
	k.meter.Swept(now, overdue)
}

// pioneer chooses the grant that tries for all: the one that has waited longest,
// so that each gets its turn, and of a client that is refused one for which it
// was not. A grant that fails for a reason of its own must not keep the others
// from showing that the endpoint, or the client, is well.
func (k *Keeper) pioneer(in *config.Integration, due []store.DueGrant) store.DueGrant {
	if others := k.circuits.Untried(in.Name, due); len(others) > 0 {
		due = others
	}
	return slices.MinFunc(due, func(a, b store.DueGrant) int {
		return cmp.Or(a.DueAt.Compare(b.DueAt), compareEnds(a.AccessExpires, b.AccessExpires))
	})
}

// dueOf lists what is due under an integration, but for grants that are on
// their way or beyond help. Overdue counts those that are late, on their way or
// not: a flight may hang.
func (k *Keeper) dueOf(ctx context.Context, cfg *config.Config, in *config.Integration, now time.Time) (list []store.DueGrant, overdue int, err error) {
	var after *store.DueGrant
	for len(list) < taken {
		found, err := k.store.Due(ctx, in.Name, now, after, page)
		if err != nil {
			return nil, 0, err
		}
		for _, g := range found {
			idle, flying := k.idle(g.Name, now)
			if !cfg.Declared(g.Name) || !idle && !flying {
				continue
			}
			if now.Sub(g.DueAt) > verdict.OverdueAfter {
				overdue++
			}
			if idle {
				list = append(list, g)
			}
		}
		if len(found) < page {
			break
		}
		after = &found[len(found)-1]
	}
	return list, overdue, nil
}

// idle reports whether an exchange for the grant makes sense, and whether one is
// under way.
func (k *Keeper) idle(name string, now time.Time) (idle, flying bool) {
	if k.flights.Flying(name) {
		return false, true
	}
	return !k.States.LeftAlone(name, now), false
}

// Idle waits until no exchange is under way and none waits in a lane.
func (k *Keeper) Idle(ctx context.Context) error {
	k.resolutions.Wait()
	for {
		if err := k.flights.Idle(ctx); err != nil {
			return err
		}
		if !k.busy() {
			return nil
		}
		if err := pause(ctx, time.Millisecond); err != nil {
			return err
		}
	}
}

func (k *Keeper) busy() (busy bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, l := range k.lanes {
		l.mu.Lock()
		busy = busy || l.workers > 0
		l.mu.Unlock()
	}
	return busy
}
