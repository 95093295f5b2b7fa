package sweep

import (
	"cmp"
	"context"
	"slices"
	"time"

	"webex-tokend/daemon/config"
	"webex-tokend/daemon/duration"
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
func (w *Sweeper) Sweep(ctx context.Context) {
	cfg, now := w.cfg.Config(), w.cfg.Now()
	if w.term().Err() != nil {
		w.cfg.Meter.Swept(now, 0) // another host does it
		return
	}
	w.watchClock(ctx, now)
	w.mintPending(ctx, cfg, now)
	if name, again := w.cfg.Trust.Retry(now, w.cfg.Flights.Flying); again {
		w.cfg.Refresher.Again(name)
	}
	due := make(map[*endpoint.Endpoint][]store.DueGrant)
	free := make(map[*endpoint.Endpoint][]*config.Integration) // nothing holds them back
	var overdue int
	for name, in := range cfg.Integrations {
		e := w.cfg.Endpoints.Of(in.TokenURL)
		if e == nil {
			continue // a reload is just taking the integration away
		}
		list, late, err := w.dueOf(ctx, cfg, in, now)
		if err != nil {
			w.cfg.Log.Error("sweep failed", "integration", name, "error", err)
			continue
		}
		if _, refused := w.cfg.Circuits.Refusal(name); !refused { // else they are misconfigured, and that is why
			overdue += late
		}
		if len(list) == 0 && e.Fails() {
			list = w.scout(ctx, cfg, in, now)
		}
		all, one := w.cfg.Circuits.Passable(in, now)
		all = all && !e.Broken()
		switch {
		case e.PausedFor(now) > 0 || e.ProbeIn(now) > 0 || !w.cfg.Trust.Writable(now) || !one:
		case all:
			due[e] = append(due[e], list...)
			free[e] = append(free[e], in)
		case len(list) > 0:
			// The client was refused, or the endpoint fails: one request tries.
			due[e] = append(due[e], w.probeGrant(in, list))
		}
	}
	for e, list := range free {
		if e.CameBack() {
			for _, in := range list {
				w.lane(e.URL()).wake(w.heldUp(ctx, cfg, in, now, taken))
			}
		}
	}
	for e, list := range due {
		w.queue(w.lane(e.URL()), list, e.Limits().InFlight)
	}
	w.cfg.Meter.Swept(now, overdue)
}

// probeGrant chooses the grant that tries for all: the one that has waited longest,
// so that each gets its turn, and of a client that is refused one for which it
// was not. A grant that fails for a reason of its own must not keep the others
// from showing that the endpoint, or the client, is well.
func (w *Sweeper) probeGrant(in *config.Integration, due []store.DueGrant) store.DueGrant {
	if others := w.cfg.Circuits.Untried(in.Name, due); len(others) > 0 {
		due = others
	}
	return slices.MinFunc(due, func(a, b store.DueGrant) int {
		return cmp.Or(a.DueAt.Compare(b.DueAt), verdict.CompareEnds(a.AccessExpires, b.AccessExpires))
	})
}

// dueOf lists what is due under an integration, but for grants that are on
// their way or beyond help. Overdue counts those that are late, on their way or
// not: a flight may hang.
func (w *Sweeper) dueOf(ctx context.Context, cfg *config.Config, in *config.Integration, now time.Time) (list []store.DueGrant, overdue int, err error) {
	var after *store.DueGrant
	for len(list) < taken {
		found, err := w.cfg.Store.Due(ctx, in.Name, now, after, page)
		if err != nil {
			return nil, 0, err
		}
		for _, g := range found {
			idle, flying := w.idle(g.Name, now)
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
func (w *Sweeper) idle(name string, now time.Time) (idle, flying bool) {
	if w.cfg.Flights.Flying(name) {
		return false, true
	}
	return !w.cfg.States.LeftAlone(name, now), false
}

// Idle waits until no exchange is under way and none waits in a lane.
func (w *Sweeper) Idle(ctx context.Context) error {
	w.resolutions.Wait()
	for {
		if err := w.cfg.Flights.Idle(ctx); err != nil {
			return err
		}
		if !w.busy() {
			return nil
		}
		if !duration.Wait(ctx, time.Millisecond) {
			return ctx.Err()
		}
	}
}

func (w *Sweeper) busy() (busy bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, l := range w.lanes {
		l.mu.Lock()
		busy = busy || l.workers > 0
		l.mu.Unlock()
	}
	return busy
}
