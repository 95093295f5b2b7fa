package keeper

import (
	"context"
	"slices"

	"webex-tokend/daemon/config"
	"webex-tokend/daemon/state"
	"webex-tokend/daemon/wire"
	"webex-tokend/store"
)

// Status sums up the grants that the view shows. For the whole fleet it reads
// counters and the head of each index group; for a narrower view it walks.
func (k *Keeper) Status(ctx context.Context, view View) (wire.Status, error) {
	cfg := k.config.Load()
	health := k.meter.Health()
	s := summary{wire.Status{States: make(map[string]int), Keeper: wire.Keeper{
		LastSweepAt:         instant(health.LastSweep),
		StoreLatencySeconds: health.Latency.Seconds(),
		Overdue:             health.Overdue,
	}}}
	s.Keeper.ClockSkewSeconds = k.endpoints.WidestSkew().Seconds()
	s.FailingOutputs = k.failingOutputs(view)
	s.Keeper.AlertError = k.unheard()
	s.Keeper.ConfigError = k.refused()
	s.StoreKey = k.storeKey(ctx)
	if s.Keeper.StoreError = k.trust.Error(); s.Keeper.StoreError != "" {
		s.Keeper.Action = state.DiskAction(cfg)
	}
	var err error
	if view == nil {
		err = k.sumUp(ctx, cfg, &s)
	} else {
		err = k.walkThrough(ctx, cfg, view, &s)
	}
	return s.Status, err
}

// failingShown is how many grants with failing outputs are named.
const failingShown = 10

func (k *Keeper) failingOutputs(view View) wire.FailingOutputs {
	names := slices.DeleteFunc(slices.Clone(k.failing()), func(name string) bool { return view != nil && !view(name) })
	return wire.FailingOutputs{Count: len(names), Grants: append([]string{}, names[:min(len(names), failingShown)]...)}
}

type summary struct{ wire.Status }

func (s *summary) add(state store.State, n int) {
	s.Grants += n
	s.States[string(state)] += n
}

// move counts a grant under its true state instead of that of the index.
func (s *summary) move(e exception) {
	state := store.ByUrgency()[e.cursor.urgency]
	if e.indexed != "" {
		s.add(e.indexed, -1)
		if s.States[string(e.indexed)] <= 0 {
			delete(s.States, string(e.indexed))
		}
	}
	s.add(state, 1)
	s.ends(store.AttentionGrant{Name: e.cursor.name, WindowEndsAt: e.cursor.ends}, state)
}

// ends notes the end of a window that somebody still counts on.
func (s *summary) ends(g store.AttentionGrant, state store.State) {
	if g.WindowEndsAt.IsZero() || state == store.Reauthorize {
		return
	}
	if s.EarliestWindowEnd == nil || g.WindowEndsAt.Before(s.EarliestWindowEnd.At) {
		s.EarliestWindowEnd = &wire.WindowEnd{Grant: g.Name, At: g.WindowEndsAt}
	}
}

// bounds notes from when on a grant needs a human.
func (s *summary) bounds(r *store.Record, state store.State) {
	at := r.EndsAt()
	switch {
	case wire.Refused(string(state), r.Reason):
		at = r.Rejection.First
	case state == store.Reauthorize, moves(r, state):
		return
	}
	if !at.IsZero() && (s.Horizon == nil || at.Before(s.Horizon.At)) {
		s.Horizon = &wire.WindowEnd{Grant: r.Name, At: at}
	}
}

// moves tells whether the next refresh moves the end of a grant.
func moves(r *store.Record, state store.State) bool {
	return state != store.Paused && state != store.Unverified && r.Movement() == store.Sliding
}

func (k *Keeper) sumUp(ctx context.Context, cfg *config.Config, s *summary) error {
	counts, complete, err := k.store.Counts(ctx)
	if err != nil {
		return err
	}
	s.Counting = !complete
	elsewhere, err := k.exceptions(ctx, cfg)
	if err != nil {
		return err
	}
	for integration, states := range counts {
		for state, n := range states {
			if n == 0 {
				continue
			}
			shown := k.shownAs(cfg, integration, state)
			s.add(shown, n)
			list, err := k.store.Attention(ctx, integration, state, nil, sighted+len(elsewhere))
			if err != nil {
				return err
			}
			i := slices.IndexFunc(list, func(g store.AttentionGrant) bool { _, moved := elsewhere[g.Name]; return !moved })
			if i >= 0 {
				s.ends(list[i], shown)
			}
			k.lookAhead(ctx, list[:min(len(list), sighted)], shown, s)
		}
	}
	if n := len(k.States.PendingNames()); n > 0 {
		s.add(store.Pending, n)
	}
	for _, e := range elsewhere {
		s.move(e)
	}
	return nil
}

// sighted is how many records of a group are opened in search of an end that
// does not move. Where the nearest ones all slide, the horizon is beyond them.
const sighted = 64

// lookAhead finds from when on a group needs a human: the first end that
// refreshing does not move, or a refused refresh token, whatever its end.
func (k *Keeper) lookAhead(ctx context.Context, list []store.AttentionGrant, state store.State, s *summary) {
	for _, g := range list {
		later := g.WindowEndsAt.IsZero() || s.Horizon != nil && !g.WindowEndsAt.Before(s.Horizon.At)
		if later && state != store.Retrying && state != store.Unknown {
			return
		}
		if stored, err := k.store.Get(ctx, g.Name); err == nil {
			s.bounds(stored.Record, state)
		}
	}
}

func (k *Keeper) walkThrough(ctx context.Context, cfg *config.Config, view View, s *summary) error {
	var after string
	for {
		list, damaged, err := k.store.List(ctx, after, page)
		if err != nil {
			return err
		}
		for _, r := range list {
			if !r.Removed && view(r.Name) {
				state := k.States.Condition(r.Record).State
				s.add(state, 1)
				s.ends(store.AttentionGrant{Name: r.Name, WindowEndsAt: r.EndsAt()}, state)
				s.bounds(r.Record, state)
			}
			after = max(after, r.Name)
		}
		for _, d := range damaged {
			if view(d.Name) {
				s.add(store.Damaged, 1)
			}
			after = max(after, d.Name)
		}
		if len(list)+len(damaged) < page {
			break
		}
	}
	for _, name := range k.States.PendingNames() {
		if view(name) {
			s.add(store.Pending, 1)
		}
	}
	return nil
}
