package keeper

import (
	"cmp"
	"context"
	"encoding/base64"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"webex-tokend/daemon/config"
	"webex-tokend/daemon/refusal"
	"webex-tokend/daemon/wire"
	"webex-tokend/store"
)

// A View limits what a caller may see; nil shows everything.
type View func(grant string) bool

// A Query asks for a page of grants.
type Query struct {
	View   View
	States []store.State // empty: all
	After  string        // cursor of the page before
	Limit  int           // 0 means 100, at most 1,000
	ByName bool          // else by urgency
	// EndsBefore, when it is not zero, leaves those out of a list by urgency
	// whose end is later, but for states that need somebody whatever the end is:
	// damaged, unpersisted, unverified, reauthorize.
	EndsBefore time.Time
}

// Grants returns a page of grants: by urgency, that is by state and then by
// window end, or by name. A cursor that this method did not give is a Refusal.
func (k *Keeper) Grants(ctx context.Context, q Query) (wire.Grants, error) {
	if q.Limit <= 0 {
		q.Limit = 100
	}
	q.Limit = min(q.Limit, 1000)
	after, err := parseCursor(q.After, q.ByName)
	if err != nil {
		return wire.Grants{}, err
	}
	cfg := k.config.Load()
	next := func(ctx context.Context, cfg *config.Config, after cursor, limit int) ([]cursor, error) {
		return k.byUrgency(ctx, cfg, after, limit, q.EndsBefore)
	}
	if q.ByName {
		next = k.byName
	}
	answer := wire.Grants{Grants: []wire.Grant{}}
	last := after // that the caller may see
	for {
		list, err := next(ctx, cfg, after, q.Limit+1)
		if err != nil {
			return wire.Grants{}, err
		}
		for _, c := range list {
			after = c
			// Before the limit, so that a next page is not one of grants that are
			// none of the caller's business.
			if q.View != nil && !q.View(c.name) {
				continue
			}
			if len(answer.Grants) == q.Limit {
				answer.Next = last.String()
				return answer, nil
			}
			last = c
			g, err := k.view(ctx, cfg, c.name)
			if _, gone := refusal.As(err); gone {
				continue // removed while we were reading
			}
			if err != nil {
				return wire.Grants{}, err
			}
			if len(q.States) == 0 || slices.Contains(q.States, store.State(g.State)) {
				answer.Grants = append(answer.Grants, g)
			}
		}
		if len(list) <= q.Limit {
			return answer, nil
		}
	}
}

// A cursor is the position of a grant in a list. The list by name uses name
// alone. On the wire it is opaque.
type cursor struct {
	urgency int       // index in store.ByUrgency of the state it is shown as
	ends    time.Time // of the window; zero: never, that is last
	name    string
}

var noCursor = cursor{urgency: -1}

func (c cursor) String() string {
	text := fmt.Sprintf("%d/%d/%s", c.urgency, c.ends.UnixMilli(), c.name)
	return base64.RawURLEncoding.EncodeToString([]byte(text))
}

func parseCursor(text string, byName bool) (cursor, error) {
	if text == "" {
		return noCursor, nil
	}
	bad := &refusal.Error{Kind: refusal.BadName, Detail: "the cursor in after= is not one of this list"}
	plain, err := base64.RawURLEncoding.DecodeString(text)
	parts := strings.SplitN(string(plain), "/", 3)
	if err != nil || len(parts) != 3 {
		return noCursor, bad
	}
	urgency, err1 := strconv.Atoi(parts[0])
	ends, err2 := strconv.ParseInt(parts[1], 10, 64)
	if err1 != nil || err2 != nil || byName != (urgency < 0) || urgency >= len(store.ByUrgency()) {
		return noCursor, bad
	}
	c := cursor{urgency: urgency, name: parts[2]}
	if ends != (time.Time{}).UnixMilli() {
		c.ends = time.UnixMilli(ends).UTC()
	}
	return c, nil
}

func compareCursors(a, b cursor) int {
	return cmp.Or(cmp.Compare(a.urgency, b.urgency), compareEnds(a.ends, b.ends), cmp.Compare(a.name, b.name))
}

// byUrgency returns at least the next limit grants, fewer only at the end. It
// merges the heads of all index groups that are shown as the same state; each
// group is in order already. Grants that the index has elsewhere take the place
// that is theirs.
func (k *Keeper) byUrgency(ctx context.Context, cfg *config.Config, after cursor, limit int, endsBefore time.Time) ([]cursor, error) {
	counts, _, err := k.store.Counts(ctx)
	if err != nil {
		return nil, err
	}
	elsewhere, err := k.exceptions(ctx, cfg)
	if err != nil {
		return nil, err
	}
	groups := make(map[int][]func(limit int) ([]store.AttentionGrant, error))
	for integration := range counts {
		for state := range counts[integration] {
			urgency := slices.Index(store.ByUrgency(), k.shownAs(cfg, integration, state))
			var from *store.AttentionGrant
			if urgency == after.urgency {
				from = &store.AttentionGrant{Name: after.name, WindowEndsAt: after.ends}
			}
			groups[urgency] = append(groups[urgency], func(limit int) ([]store.AttentionGrant, error) {
				return k.store.Attention(ctx, integration, state, from, limit)
			})
		}
	}
	var list []cursor
	for urgency, state := range store.ByUrgency() {
		if urgency < after.urgency {
			continue
		}
		var same []cursor
		if state == store.Pending {
			for _, name := range k.States.PendingNames() {
				same = append(same, cursor{urgency: urgency, name: name})
			}
		}
		for _, read := range groups[urgency] {
			found, err := read(limit + len(elsewhere))
			if err != nil {
				return nil, err
			}
			for _, g := range found {
				if _, moved := elsewhere[g.Name]; !moved {
					same = append(same, cursor{urgency, g.WindowEndsAt, g.Name})
				}
			}
		}
		for _, e := range elsewhere {
			if e.cursor.urgency == urgency {
				same = append(same, e.cursor)
			}
		}
		slices.SortFunc(same, compareCursors)
		far := func(c cursor) bool {
			return !endsBefore.IsZero() && !urgentAnyway(state) && compareEnds(c.ends, endsBefore) >= 0
		}
		same = slices.DeleteFunc(same, func(c cursor) bool { return compareCursors(c, after) <= 0 || far(c) })
		list = append(list, same[:min(len(same), limit)]...)
		if len(list) >= limit {
			return list[:limit], nil
		}
	}
	return list, nil
}

// urgentAnyway tells states that need somebody whatever the window is.
func urgentAnyway(s store.State) bool {
	return s == store.Damaged || s == store.Unpersisted || s == store.Unverified || s == store.Reauthorize
}

// byName returns the next limit grants, fewer only at the end.
func (k *Keeper) byName(ctx context.Context, _ *config.Config, after cursor, limit int) ([]cursor, error) {
	var names []string
	last := after.name
	for len(names) < limit {
		stored, damaged, err := k.store.List(ctx, last, limit)
		if err != nil {
			return nil, err
		}
		for _, s := range stored {
			if !s.Removed {
				names = append(names, s.Name)
			}
			last = max(last, s.Name)
		}
		for _, d := range damaged {
			names = append(names, d.Name)
			last = max(last, d.Name)
		}
		if len(stored)+len(damaged) < limit {
			last = ""
			break
		}
	}
	for _, name := range k.States.PendingNames() {
		if name > after.name && (last == "" || name <= last) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	names = slices.Compact(names)
	list := make([]cursor, 0, len(names))
	for _, name := range names[:min(len(names), limit)] {
		list = append(list, cursor{urgency: -1, name: name})
	}
	return list, nil
}
