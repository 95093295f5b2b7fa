package report

import (
	"cmp"
	"context"
	"slices"
	"time"

	"webex-tokend/daemon/config"
	"webex-tokend/daemon/verdict"
	"webex-tokend/store"
)

// A list in the order of urgency has a slot for each cause, and in each slot the
// nearest instant first. The index cannot have that order, since causes come with
// time. But it has places in which grants stand by their ends, by the expiry of
// their tokens, or by when they are due; so each slot is made of parts of places,
// which are merged. What is read of a grant then decides whether it belongs there,
// or stands in another slot because its token expired, its refresh is late, a
// file fails, or memory knows more than the record.

// A source yields candidates for one slot, in order.
type source struct {
	slot  verdict.Cause
	kind  kind
	state store.State // as which they are shown; empty: differs
	moves bool        // the next refresh moves their ends
	read  func(ctx context.Context, after position, limit int) ([]position, error)
}

// A kind names the origin of candidates.
type kind int

const (
	home       kind = iota // the one place that every grant has in the index
	expiring               // the part Expires of a place
	overdue                // the schedule
	unwritten              // grants whose outputs fail
	vacant                 // declared grants without a record
	exceptions             // grants of which more is known than the index has
)

// A position is that of a candidate in its slot.
type position struct {
	at   time.Time // zero: never, that is last
	name string
}

func comparePositions(a, b position) int {
	return cmp.Or(verdict.CompareEnds(a.at, b.at), cmp.Compare(a.name, b.name))
}

// sources lists all there are, for any slot.
func (r *Report) sources(ctx context.Context, g *glance) ([]source, error) {
	places, _, err := r.cfg.Store.Places(ctx)
	if err != nil {
		return nil, err
	}
	limits := verdict.Usual()
	critical, warning := g.now.Add(limits.Critical), g.now.Add(limits.Warning)
	var list []source
	for _, p := range places {
		base := g.base(p.Place)
		add := func(slot verdict.Cause, from, before time.Time) {
			list = append(list, source{slot, home, g.shownAs(p.Place), !g.counts(p.Place), r.between(p.Place, from, before)})
		}
		switch {
		case p.Part == store.Expires && g.shownAs(p.Place) == store.Misconfigured:
		case p.Part == store.Expires:
			list = append(list, source{slot: verdict.Expired, kind: expiring, state: g.shownAs(p.Place),
				read: r.between(p.Place, time.Time{}, g.now.Add(time.Millisecond))})
		case g.ends(p.Place):
			add(verdict.Ending, time.Time{}, critical)
			add(verdict.EndingSoon, critical, warning)
			add(base, warning, time.Time{})
		default:
			add(base, time.Time{}, time.Time{})
		}
	}
	for name, in := range g.cfg.Integrations {
		if _, refused := g.refused[name]; !refused && in.Kind != config.Static {
			list = append(list, source{slot: verdict.Overdue, kind: overdue, read: r.late(in, g.now)})
		}
	}
	return append(list, r.inMemory(g)...), nil
}

// inMemory are the sources of what no index has.
func (r *Report) inMemory(g *glance) (list []source) {
	type of struct {
		slot verdict.Cause
		kind kind
	}
	found := make(map[of][]position)
	for name, a := range g.apart {
		key := of{slotOf(a.record, a.verdict), exceptions}
		found[key] = append(found[key], position{orderedBy(key.slot, a.record), name})
	}
	for name := range g.failing {
		key := of{verdict.Outputs, unwritten}
		found[key] = append(found[key], position{name: name})
	}
	for _, name := range r.cfg.States.PendingNames() {
		key := of{r.vacant(g.cfg, name, g.now).Cause, vacant}
		found[key] = append(found[key], position{name: name})
	}
	for key, positions := range found {
		s := source{slot: key.slot, kind: key.kind, read: listed(positions)}
		if key.kind == vacant {
			s.state = store.Pending
		}
		list = append(list, s)
	}
	return list
}

// orderedBy is the instant by which the sources of a slot order grants.
func orderedBy(slot verdict.Cause, rec *store.Record) time.Time {
	switch slot {
	case verdict.Expired:
		return rec.Token.ExpiresAt
	case verdict.Overdue:
		return rec.DueAt
	}
	return rec.EndsAt()
}

// listed reads what is in memory, in order.
func listed(all []position) func(context.Context, position, int) ([]position, error) {
	slices.SortFunc(all, comparePositions)
	return func(_ context.Context, after position, limit int) ([]position, error) {
		i := 0
		if after != (position{}) {
			var found bool
			if i, found = slices.BinarySearchFunc(all, after, comparePositions); found {
				i++
			}
		}
		return all[i:min(i+limit, len(all))], nil
	}
}

// between reads a place from one instant until before another; zero: all of it.
func (r *Report) between(p store.Place, from, before time.Time) func(context.Context, position, int) ([]position, error) {
	return func(ctx context.Context, after position, limit int) ([]position, error) {
		var behind *store.AttentionGrant
		if !from.IsZero() {
			behind = &store.AttentionGrant{Name: lastName, At: from.Add(-time.Millisecond)}
		}
		if after != (position{}) && (behind == nil || comparePositions(after, position{behind.At, behind.Name}) > 0) {
			behind = &store.AttentionGrant{Name: after.name, At: after.at}
		}
		found, err := r.cfg.Store.Attention(ctx, p, behind, before, limit)
		list := make([]position, 0, len(found))
		for _, f := range found {
			list = append(list, position{f.At, f.Name})
		}
		return list, err
	}
}

// lastName is behind every name of a grant.
const lastName = "\xff"

// late reads from the schedule what should have been refreshed: it is overdue, or
// its token has expired.
func (r *Report) late(in *config.Integration, now time.Time) func(context.Context, position, int) ([]position, error) {
	return func(ctx context.Context, after position, limit int) (list []position, err error) {
		var behind *store.DueGrant
		if after != (position{}) {
			behind = &store.DueGrant{Name: after.name, DueAt: after.at}
		}
		for len(list) < limit {
			found, err := r.cfg.Store.Due(ctx, in.Name, now, behind, page)
			if err != nil {
				return nil, err
			}
			for _, d := range found {
				expired := !d.AccessExpires.IsZero() && !now.Before(d.AccessExpires)
				if expired || now.Sub(d.DueAt) > verdict.OverdueAfter {
					list = append(list, position{d.DueAt, d.Name})
				}
			}
			if len(found) < page {
				break
			}
			behind = &found[len(found)-1]
		}
		return list[:min(limit, len(list))], nil
	}
}

// belongs reports whether a grant is shown where a source has it, or elsewhere.
func (g *glance) belongs(s source, e entry) bool {
	if _, apart := g.apart[e.record.Name]; apart {
		return s.kind == exceptions
	}
	slot := slotOf(e.record, e.verdict)
	if s.kind == vacant || slot == s.slot {
		return true
	}
	if s.kind != home {
		return false
	}
	switch slot {
	case verdict.Overdue:
		return g.undue || !scheduled(e.record)
	case verdict.Expired:
		return !g.aligned
	case verdict.Outputs:
		return !g.failing[e.record.Name]
	}
	// The configuration, or somebody just now, has changed what the index says.
	return true
}

// scheduled reports whether the schedule has a grant.
func scheduled(rec *store.Record) bool {
	state := rec.Condition().State
	return !rec.DueAt.IsZero() && state != store.Paused && state != store.Unverified
}
