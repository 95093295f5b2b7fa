package keeper

import (
	"context"

	"webex-tokend/daemon/config"
	"webex-tokend/daemon/wire"
	"webex-tokend/store"
)

// Status sums up the grants that the view shows. For the whole fleet it reads
// counters and the head of each index group; for a narrower view it walks.
func (k *Keeper) Status(ctx context.Context, view View) (wire.Status, error) {
	cfg := k.config.Load()
	s := summary{wire.Status{States: make(map[string]int), Keeper: k.health.wire()}}
	var err error
	if view == nil {
		err = k.sumUp(ctx, cfg, &s)
	} else {
		err = k.walkThrough(ctx, cfg, view, &s)
	}
	return s.Status, err
}

type summary struct{ wire.Status }

func (s *summary) add(state store.State, n int) {
	s.Grants += n
	s.States[string(state)] += n
}

// move counts a grant under its true state instead of that of the index.
func (s *summary) move(e exception) {
	state := store.ByUrgency()[e.cursor.urgency]
	s.add(e.indexed, -1)
	if s.States[string(e.indexed)] <= 0 {
		delete(s.States, string(e.indexed))
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

func (k *Keeper) sumUp(ctx context.Context, cfg *config.Config, s *summary) error {
	counts, complete, err := k.store.Counts(ctx)
	if err != nil {
		return err
	}
	s.Counting = !complete
	for integration, states := range counts {
		for state, n := range states {
			if n == 0 {
				continue
			}
			s.add(k.shownAs(cfg, integration, state), n)
			head, err := k.store.Attention(ctx, integration, state, nil, 1)
			if err != nil {
				return err
			}
			if len(head) > 0 {
				s.ends(head[0], state)
			}
		}
	}
	if n := len(k.pendingNames()); n > 0 {
		s.add(store.Pending, n)
	}
	elsewhere, err := k.exceptions(ctx, cfg)
	if err != nil {
		return err
	}
	for _, e := range elsewhere {
		s.move(e)
	}
	return nil
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
				state := k.condition(r.Record).State
				s.add(state, 1)
				s.ends(store.AttentionGrant{Name: r.Name, WindowEndsAt: r.Refresh.EndsAt}, state)
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
	for _, name := range k.pendingNames() {
		if view(name) {
			s.add(store.Pending, 1)
		}
	}
	return nil
}
