package keeper

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

// Refresh renews a grant now and waits for the outcome, or joins the exchange
// in flight. It is exempt from budget and interval, not from what the endpoint
// asked for.
func (k *Keeper) Refresh(ctx context.Context, name string) error {
	return k.refresh(ctx, name, ordered)
}

// Pause ends refreshing until Resume. The token stays where it is published.
// Pausing twice is no error.
func (k *Keeper) Pause(ctx context.Context, name string) error {
	return k.change(ctx, name, func(r *store.Record) bool {
		if !r.PausedSince.IsZero() {
			return false
		}
		r.PausedSince = k.now()
		return true
	})
}

// Resume takes a grant up again; what became due meanwhile is refreshed by the
// next sweep.
func (k *Keeper) Resume(ctx context.Context, name string) error {
	return k.change(ctx, name, func(r *store.Record) bool {
		if r.PausedSince.IsZero() {
			return false
		}
		r.PausedSince = time.Time{}
		return true
	})
}

// change makes an operator's change to a record that exists.
func (k *Keeper) change(ctx context.Context, name string, apply func(*store.Record) bool) error {
	cfg := k.config.Load()
	for {
		stored, err := k.States.Read(ctx, cfg, name)
		if err != nil {
			return err
		}
		was := *stored.Record
		before := k.States.Condition(&was)
		if !apply(stored.Record) {
			return nil
		}
		_, err = k.store.Put(ctx, store.Update{Record: stored.Record, Expect: stored.Revision})
		if errors.Is(err, store.ErrConflict) {
			continue
		}
		if err != nil {
			return fmt.Errorf("store grant %s: %w", name, err)
		}
		k.flights.Overtake(name)
		k.log.Info("changed by the operator", "grant", name, "state", stored.Condition().State)
		k.States.Announce(event.Changed, &was, before, stored.Record)
		return nil
	}
}

// Remove forgets the tokens of a grant. Their fingerprints stay, so that a seed
// does not bring it back; an import does.
func (k *Keeper) Remove(ctx context.Context, name string) error {
	cfg := k.config.Load()
	for {
		gone := &store.Record{Name: name, Removed: true}
		stored, err := k.store.Get(ctx, name)
		revision := stored.Revision
		if bad, damaged := errors.AsType[*store.DamagedError](err); damaged {
			revision = bad.Revision
		} else if errors.Is(err, store.ErrNotFound) || err == nil && stored.Removed {
			return k.States.Absent(cfg, name)
		} else if err != nil {
			return fmt.Errorf("look for grant %s: %w", name, err)
		} else {
			gone.Fingerprints, gone.Registered = stored.Fingerprints, stored.Registered
		}
		_, err = k.store.Put(ctx, store.Update{
			Record: gone, Expect: revision, CloseIntent: true, Unpublished: k.hasOutputs(name),
		})
		if errors.Is(err, store.ErrConflict) {
			continue
		}
		if err != nil {
			return fmt.Errorf("remove grant %s: %w", name, err)
		}
		k.flights.Overtake(name)
		k.States.Left(cfg, name)
		k.log.Info("removed by the operator", "grant", name)
		k.events.Send(event.Event{Kind: event.Removed, Grant: name, State: store.Pending, Reason: state.NoToken, At: k.now()})
		return nil
	}
}

// Published notes that all outputs of a grant carry that generation.
func (k *Keeper) Published(ctx context.Context, name string, generation uint64) error {
	err := k.store.Published(ctx, name, generation)
	if errors.Is(err, store.ErrConflict) {
		return nil // a newer token is on its way to the outputs
	}
	return err
}

// Unpublished lists up to limit grants after that name whose outputs are behind.
func (k *Keeper) Unpublished(ctx context.Context, after string, limit int) ([]string, error) {
	return k.store.Unpublished(ctx, after, limit)
}

// Registered lists up to limit grants of all after that name, in the order of
// names: fewer only at the end.
func (k *Keeper) Registered(ctx context.Context, after string, limit int) ([]string, error) {
	var names []string
	for ended := false; !ended && len(names) < limit; {
		stored, damaged, err := k.store.List(ctx, after, limit)
		if err != nil {
			return nil, err
		}
		ended = len(stored)+len(damaged) < limit
		for _, s := range stored {
			if after = max(after, s.Name); !s.Removed {
				names = append(names, s.Name)
			}
		}
		for _, d := range damaged {
			after = max(after, d.Name)
			names = append(names, d.Name)
		}
	}
	slices.Sort(names)
	return names[:min(len(names), limit)], nil
}
