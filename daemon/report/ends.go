package report

import (
	"context"
	"time"

	"webex-tokend/store"
)

// An End is when the window of a grant ends, or a token that nobody can refresh.
type End struct {
	Grant string
	At    time.Time
}

// Ends are the nearest ends of a fleet.
type Ends struct {
	List    []End // the nearest first
	Endless int   // grants without a known end
	More    bool  // there are later ones, which nobody looked at
}

// Ends reads from the index when the grants of a query end, whose States and View
// count, and looks at Limit of them. It opens no record.
func (r *Report) Ends(ctx context.Context, q Query) (Ends, error) {
	var e Ends
	g, err := r.glance(ctx)
	if err != nil {
		return e, err
	}
	places, _, err := r.cfg.Store.Places(ctx)
	if err != nil {
		return e, err
	}
	m := merge{limit: min(q.Limit, page)}
	for _, p := range places {
		state := g.shownAs(p.Place)
		if p.Part == store.Expires || state == store.Damaged || !q.wants(state) {
			continue
		}
		m.sources = append(m.sources, &head{source: source{kind: home, read: r.between(p.Place, time.Time{}, time.Time{})}})
	}
	var known []position
	for name, a := range g.apart {
		if q.wants(a.verdict.State) {
			known = append(known, position{a.record.EndsAt(), name}) // zero where the record does not open
		}
	}
	if q.wants(store.Pending) {
		for _, name := range r.cfg.States.PendingNames() {
			known = append(known, position{name: name})
		}
	}
	m.sources = append(m.sources, &head{source: source{kind: exceptions, read: listed(known)}})
	for looked := 0; ; looked++ {
		s, at, ok, err := m.next(ctx)
		if err != nil || !ok {
			return e, err
		}
		if looked == q.Limit {
			e.More = true
			return e, nil
		}
		if _, apart := g.apart[at.name]; apart && s.kind == home || !q.View.shows(at.name) {
			continue
		}
		if at.at.IsZero() {
			e.Endless++
		} else {
			e.List = append(e.List, End{at.name, at.at})
		}
	}
}
