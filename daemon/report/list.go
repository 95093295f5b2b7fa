package report

import (
	"context"
	"encoding/base64"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"webex-tokend/daemon/refusal"
	"webex-tokend/daemon/verdict"
	"webex-tokend/daemon/wire"
	"webex-tokend/store"
)

// A Query asks for a page of grants.
type Query struct {
	View   View
	States []store.State // empty: all
	After  string        // cursor of the page before
	Limit  int           // 0 means 100, at most 1,000
	ByName bool          // else by urgency
	// EndsBefore, when it is not zero, leaves those out of a list by urgency
	// whose end is later or is moved by the next refresh, but for what needs
	// somebody whatever the end is: damaged, unpersisted, unverified, reauthorize,
	// a refused refresh token, an expired access token, a refresh that is overdue,
	// refreshes that fail again and again.
	EndsBefore time.Time
}

// Grants returns a page of grants: by urgency, the most urgent first whatever its
// state is called, or by name. A cursor that this method did not give is a
// refusal.Error.
func (r *Report) Grants(ctx context.Context, q Query) (wire.Grants, error) {
	if q.Limit <= 0 {
		q.Limit = 100
	}
	q.Limit = min(q.Limit, 1000)
	after, err := parseCursor(q.After, q.ByName)
	if err != nil {
		return wire.Grants{}, err
	}
	answer := wire.Grants{Grants: []wire.Grant{}}
	last := after // of those that were shown
	show := func(c cursor, e entry) (more bool) {
		if len(answer.Grants) == q.Limit {
			answer.Next = last.String()
			return false
		}
		last = c
		answer.Grants = append(answer.Grants, e.grant)
		return true
	}
	if q.ByName {
		err = r.byName(ctx, q, after.name, show)
	} else {
		err = r.byUrgency(ctx, q, after, show)
	}
	if err != nil {
		return wire.Grants{}, err
	}
	return answer, nil
}

// A cursor is the position of a grant in a list. The list by name uses name
// alone. On the wire it is opaque.
type cursor struct {
	slot int // a verdict.Cause
	position
}

// noCursor is before every list.
func noCursor() cursor { return cursor{slot: -1} }

func (c cursor) String() string {
	text := fmt.Sprintf("%d/%d/%s", c.slot, c.at.UnixMilli(), c.name)
	return base64.RawURLEncoding.EncodeToString([]byte(text))
}

func parseCursor(text string, byName bool) (cursor, error) {
	if text == "" {
		return noCursor(), nil
	}
	bad := &refusal.Error{Kind: refusal.BadName, Detail: "the cursor in after= is not one of this list"}
	plain, err := base64.RawURLEncoding.DecodeString(text)
	parts := strings.SplitN(string(plain), "/", 3)
	if err != nil || len(parts) != 3 {
		return noCursor(), bad
	}
	slot, err1 := strconv.Atoi(parts[0])
	ends, err2 := strconv.ParseInt(parts[1], 10, 64)
	if err1 != nil || err2 != nil || byName != (slot < 0) || slot > int(verdict.None) {
		return noCursor(), bad
	}
	c := cursor{slot, position{name: parts[2]}}
	if ends != (time.Time{}).UnixMilli() {
		c.at = time.UnixMilli(ends).UTC()
	}
	return c, nil
}

// byUrgency shows the grants behind a cursor until show has enough.
func (r *Report) byUrgency(ctx context.Context, q Query, after cursor, show func(cursor, entry) bool) error {
	g, err := r.glance(ctx)
	if err != nil {
		return err
	}
	g.undue = len(q.States) > 0 && !slices.Contains(q.States, store.OK)
	sources, err := r.sources(ctx, g)
	if err != nil {
		return err
	}
	sources = slices.DeleteFunc(sources, func(s source) bool { return int(s.slot) < after.slot || q.skips(s, g.undue) })
	for slot := max(verdict.Cause(after.slot), 0); slot <= verdict.None; slot++ {
		from := position{}
		if int(slot) == after.slot {
			from = after.position
		}
		m := merge{limit: q.Limit + 1}
		for _, s := range sources {
			if s.slot == slot {
				m.sources = append(m.sources, &head{source: s, after: from})
			}
		}
		for {
			s, at, ok, err := m.next(ctx)
			if err != nil {
				return err
			}
			if !ok {
				break
			}
			if q.past(s, at) {
				break
			}
			// Before the limit, so that a next page is not one of grants that are
			// none of the caller's business.
			if !q.View.shows(at.name) {
				continue
			}
			e, err := r.read(ctx, g.cfg, at.name)
			if _, gone := refusal.As(err); gone {
				continue // removed while we were reading
			}
			if err != nil {
				return err
			}
			if !g.belongs(s, e) || !q.wants(e.verdict.State) || q.far(slot, e.grant) {
				continue
			}
			if !show(cursor{int(slot), at}, e) {
				return nil
			}
		}
	}
	return nil
}

func (q Query) wants(s store.State) bool { return len(q.States) == 0 || slices.Contains(q.States, s) }

// skips reports whether nothing of a source is asked for.
func (q Query) skips(s source, undue bool) bool {
	switch {
	case s.kind == overdue && undue:
		return true
	case s.state != "" && !q.wants(s.state):
		return true
	}
	return !q.EndsBefore.IsZero() && (s.slot == verdict.None && s.moves || s.kind == vacant)
}

// past reports whether all that follows in a slot ends too late to be asked for.
func (q Query) past(s source, at position) bool {
	return !q.EndsBefore.IsZero() && s.kind == home && !urgent(s.slot) && verdict.CompareEnds(at.at, q.EndsBefore) >= 0
}

// far reports whether a grant ends too late to be asked for.
func (q Query) far(slot verdict.Cause, g wire.Grant) bool {
	if q.EndsBefore.IsZero() || urgent(slot) || g.State == string(store.Damaged) {
		return false
	}
	end := g.End()
	return end == nil || !end.Before(q.EndsBefore)
}

// urgent reports whether somebody is needed whatever the end is.
func urgent(slot verdict.Cause) bool {
	switch slot {
	case verdict.Damaged, verdict.Unpersisted, verdict.Unverified, verdict.Reauthorize, verdict.Rejected, verdict.Expired, verdict.Failing:
		return true
	case verdict.Overdue: // it also has those that are well but for an expired token
		return true
	}
	return false
}

// A merge joins sources of one slot in order.
type merge struct {
	sources []*head
	limit   int // read at once
}

// A head holds candidates that were read from a source and not handed out.
type head struct {
	source
	waiting []position
	after   position // the last one read
	ended   bool
}

// next returns the foremost candidate; ok is false when there are no more.
func (m *merge) next(ctx context.Context) (s source, at position, ok bool, err error) {
	var first *head
	for _, h := range m.sources {
		if len(h.waiting) == 0 && !h.ended {
			if h.waiting, err = h.read(ctx, h.after, m.limit); err != nil {
				return source{}, position{}, false, err
			}
			if h.ended = len(h.waiting) < m.limit; len(h.waiting) > 0 {
				h.after = h.waiting[len(h.waiting)-1]
			}
		}
		if len(h.waiting) > 0 && (first == nil || comparePositions(h.waiting[0], first.waiting[0]) < 0) {
			first = h
		}
	}
	if first == nil {
		return source{}, position{}, false, nil
	}
	at, first.waiting = first.waiting[0], first.waiting[1:]
	return first.source, at, true, nil
}

// byName shows the grants behind a name until show has enough.
func (r *Report) byName(ctx context.Context, q Query, after string, show func(cursor, entry) bool) error {
	cfg := r.cfg.Config()
	pending := r.cfg.States.PendingNames()
	for part, err := range r.cfg.Store.All(ctx, after, min(q.Limit+1, page)) {
		if err != nil {
			return err
		}
		var names []string
		for _, s := range part.Records {
			if !s.Removed {
				names = append(names, s.Name)
			}
		}
		for _, d := range part.Damaged {
			names = append(names, d.Name)
		}
		for _, name := range pending {
			if name > after && (!part.More || name <= part.Last) {
				names = append(names, name)
			}
		}
		slices.Sort(names)
		after = part.Last
		for _, name := range slices.Compact(names) {
			if !q.View.shows(name) {
				continue
			}
			e, err := r.read(ctx, cfg, name)
			if _, gone := refusal.As(err); gone || err == nil && !q.wants(e.verdict.State) {
				continue
			}
			if err != nil {
				return err
			}
			if !show(cursor{-1, position{name: name}}, e) {
				return nil
			}
		}
	}
	return nil
}
