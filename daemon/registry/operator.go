package registry

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"webex-tokend/daemon/event"
	"webex-tokend/daemon/state"
	"webex-tokend/store"
)

// Pause ends refreshing until Resume. The token stays where it is published.
// Pausing twice is no error.
func (g *Registry) Pause(ctx context.Context, name string) error {
	return g.change(ctx, name, func(r *store.Record) bool {
		if !r.PausedSince.IsZero() {
			return false
		}
		r.PausedSince = g.cfg.Now()
		return true
	})
}

// Resume takes a grant up again; what became due meanwhile is refreshed by the
// next sweep.
func (g *Registry) Resume(ctx context.Context, name string) error {
	return g.change(ctx, name, func(r *store.Record) bool {
		if r.PausedSince.IsZero() {
			return false
		}
		r.PausedSince = time.Time{}
		return true
	})
}

// change makes an operator's change to a record that exists.
func (g *Registry) change(ctx context.Context, name string, apply func(*store.Record) bool) error {
	cfg := g.cfg.Config()
	for {
		stored, err := g.cfg.States.Read(ctx, cfg, name)
		if err != nil {
			return err
		}
		was := *stored.Record
		before := g.cfg.States.Condition(&was)
		if !apply(stored.Record) {
			return nil
		}
		_, err = g.cfg.Store.Put(ctx, store.Update{Record: stored.Record, Expect: stored.Revision})
		if errors.Is(err, store.ErrConflict) {
			continue
		}
		if err != nil {
			return fmt.Errorf("store grant %s: %w", name, err)
		}
		g.cfg.Flights.Overtake(name)
		g.cfg.Log.Info("changed by the operator", "grant", name, "state", stored.Condition().State)
		g.cfg.States.Announce(event.Changed, &was, before, stored.Record)
		return nil
	}
}

// Remove forgets the tokens of a grant. Their fingerprints stay, so that a seed
// does not bring it back; an import does.
func (g *Registry) Remove(ctx context.Context, name string) error {
	cfg := g.cfg.Config()
	for {
		gone := &store.Record{Name: name, Removed: true}
		stored, err := g.cfg.Store.Get(ctx, name)
		revision := stored.Revision
		if bad, damaged := errors.AsType[*store.DamagedError](err); damaged {
			revision = bad.Revision
		} else if errors.Is(err, store.ErrNotFound) || err == nil && stored.Removed {
			return g.cfg.States.Absent(cfg, name)
		} else if err != nil {
			return fmt.Errorf("look for grant %s: %w", name, err)
		} else {
			gone.Fingerprints, gone.Registered = stored.Fingerprints, stored.Registered
		}
		_, err = g.cfg.Store.Put(ctx, store.Update{
			Record: gone, Expect: revision, Close: g.cfg.Flights.Intent(name), Unpublished: g.cfg.Config().HasOutputs(name),
		})
		if errors.Is(err, store.ErrIntentLost) {
			g.cfg.Flights.Close(name)
			continue
		}
		if errors.Is(err, store.ErrConflict) {
			continue
		}
		if err != nil {
			return fmt.Errorf("remove grant %s: %w", name, err)
		}
		g.cfg.Flights.Overtake(name)
		g.cfg.States.Left(cfg, name)
		g.cfg.Log.Info("removed by the operator", "grant", name)
		g.cfg.Events.Send(event.Event{Kind: event.Removed, Grant: name, State: store.Pending, Reason: state.NoToken, At: g.cfg.Now()})
		return nil
	}
}

// Published notes that all outputs of a grant carry that generation.
func (g *Registry) Published(ctx context.Context, name string, generation uint64) error {
	err := g.cfg.Store.Published(ctx, name, generation)
	if errors.Is(err, store.ErrConflict) {
		return nil // a newer token is on its way to the outputs
	}
	return err
}

// Unpublished lists up to limit grants after that name whose outputs are behind.
func (g *Registry) Unpublished(ctx context.Context, after string, limit int) ([]string, error) {
	return g.cfg.Store.Unpublished(ctx, after, limit)
}

// Registered lists up to limit grants of all after that name, in the order of
// names: fewer only at the end.
func (g *Registry) Registered(ctx context.Context, after string, limit int) ([]string, error) {
	var names []string
	for part, err := range g.cfg.Store.All(ctx, after, limit) {
		if err != nil {
			return nil, err
		}
		for _, s := range part.Records {
			if !s.Removed {
				names = append(names, s.Name)
			}
		}
		for _, d := range part.Damaged {
			names = append(names, d.Name)
		}
		if len(names) >= limit {
			break
		}
	}
	slices.Sort(names)
	return names[:min(len(names), limit)], nil
}
