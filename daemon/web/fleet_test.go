package web_test

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"webex-tokend/daemon/refusal"
	"webex-tokend/daemon/report"
	"webex-tokend/daemon/verdict"
	"webex-tokend/daemon/wire"
	"webex-tokend/store"
)

// A sampleFleet is a report of any size, as it would be shown: in every state, with
// windows near and far.
type sampleFleet struct {
	grants []wire.Grant // by urgency
	read   atomic.Int64 // how many were, so far
}

// newFleet makes n grants around an instant. About one in thirty needs
// somebody.
func newFleet(n int, now time.Time) *sampleFleet {
	f := &sampleFleet{}
	teams := []string{"crm", "support", "rooms", "analytics", "billing"}
	for i := range n {
		team := teams[i%len(teams)]
		g := wire.Grant{
			Name: fmt.Sprintf("%s-tenant-%04d", team, i), Integration: team, Kind: "rest", State: "ok", Window: "sliding",
			Generation: 4 + uint64(i%40), Scope: "spark:people_read spark:rooms_read", Labels: map[string]string{"team": team},
			Outputs: []wire.Output{{Type: "file", Target: "/run/webex-tokend/tokens/" + team, State: "ok"}},
		}
		at := func(d time.Duration) *time.Time { t := now.Add(d).UTC(); return &t }
		days := 24 * time.Hour
		g.AccessExpiresAt, g.RefreshDueAt = at(time.Duration(1+i%13)*days), at(time.Duration(1+i%7)*days/2)
		g.WindowEndsAt = at(time.Duration(18+(i*37)%71)*days + time.Duration(i%24)*time.Hour)
		g.LastRefreshAt = at(-time.Duration(i%6) * days)
		if i%3 == 2 {
			g.Kind, g.Window, g.AccessExpiresAt, g.RefreshDueAt = "meetings", "fixed", at(72*time.Minute), at(32*time.Minute)
			g.WindowEndsAt = at(time.Duration(6+(i*11)%52) * days)
			g.Assumed = []string{"window_ends_at"}
		}
		switch i % 90 {
		case 1:
			g.State, g.Reason, g.WindowEndsAt = "reauthorize", "refresh_token_rejected", at(-2*days)
			g.AccessExpiresAt, g.RefreshDueAt = at(-time.Hour), nil
		case 22:
			// As long as names and reasons get.
			g.Name += "-" + strings.Repeat("o", 62-len(g.Name))
			g.State, g.Reason = "retrying", "the proxy of the house says: "+strings.Repeat("no such upstream, ", 9)
		case 31:
			g.State, g.Reason = "misconfigured", "client_rejected"
		case 40:
			g.WindowEndsAt = at(40 * time.Hour)
		case 47:
			g.WindowEndsAt = at(40 * time.Hour) // and no refresh moves it
		case 52:
			g.State, g.Reason = "unknown", "no_answer"
		case 61:
			g.State, g.Reason = "paused", "paused by the operator"
		case 71:
			g.State, g.Reason, g.Generation, g.WindowEndsAt, g.AccessExpiresAt, g.RefreshDueAt = "pending", "nothing registered", 0, nil, nil, nil
		case 83:
			g.Kind, g.Integration, g.WindowEndsAt, g.RefreshDueAt, g.AccessExpiresAt = "static", "bots", nil, nil, nil
		}
		cause, renewal := verdict.Shown(g).Cause(verdict.Usual(), now), "webex-tokend authorize "+g.Name
		switch {
		case g.State != "ok":
			g.Since = at(-26 * time.Hour)
			g.Action = verdict.Help(g.Name, store.Condition{State: store.State(g.State), Reason: g.Reason, Since: *g.Since}, verdict.Facts{Renewal: renewal})
		case cause == verdict.Ending || cause == verdict.EndingSoon:
			g.Reason, g.Action = verdict.WindowEnds, renewal
		}
		g.Level = string(cause.Level())
		f.grants = append(f.grants, g)
	}
	slices.SortStableFunc(f.grants, func(a, b wire.Grant) int {
		end := func(g wire.Grant) int64 {
			if g.WindowEndsAt == nil {
				return 1 << 62
			}
			return g.WindowEndsAt.Unix()
		}
		cause := func(g wire.Grant) verdict.Cause { return verdict.Shown(g).Cause(verdict.Usual(), now) }
		return cmp.Or(cmp.Compare(cause(a), cause(b)), cmp.Compare(end(a), end(b)), cmp.Compare(a.Name, b.Name))
	})
	return f
}

func (f *sampleFleet) Status(_ context.Context, view report.View) (wire.Status, error) {
	s := wire.Status{States: make(map[string]int), Levels: make(map[string]int), StateLevels: make(map[string]string)}
	for _, g := range f.grants {
		if view != nil && !view(g.Name) {
			continue
		}
		s.Grants++
		s.States[g.State]++
		s.Levels[g.Level]++
		if _, known := s.StateLevels[g.State]; !known { // the first is the most urgent one
			s.StateLevels[g.State] = g.Level
		}
		if end := g.WindowEndsAt; end != nil && g.State != "reauthorize" && (s.EarliestWindowEnd == nil || end.Before(s.EarliestWindowEnd.At)) {
			s.EarliestWindowEnd = &wire.WindowEnd{Grant: g.Name, At: *end}
		}
	}
	return s, nil
}

func (f *sampleFleet) Grants(_ context.Context, q report.Query) (wire.Grants, error) {
	page := wire.Grants{Grants: []wire.Grant{}}
	behind := q.After == ""
	for _, g := range f.grants {
		if !behind {
			behind = g.Name == q.After
			continue
		}
		if q.View != nil && !q.View(g.Name) || len(q.States) > 0 && !slices.Contains(q.States, store.State(g.State)) {
			continue
		}
		if len(page.Grants) == q.Limit {
			page.Next = page.Grants[q.Limit-1].Name
			break
		}
		page.Grants = append(page.Grants, g)
		f.read.Add(1)
	}
	return page, nil
}

// Ends are those of all, whatever they are like.
func (f *sampleFleet) Ends(_ context.Context, q report.Query) (e report.Ends, _ error) {
	for _, g := range f.grants {
		if q.View != nil && !q.View(g.Name) || len(q.States) > 0 && !slices.Contains(q.States, store.State(g.State)) {
			continue
		}
		if end := g.End(); end != nil {
			e.List = append(e.List, report.End{Grant: g.Name, At: *end})
		} else {
			e.Endless++
		}
	}
	slices.SortFunc(e.List, func(a, b report.End) int { return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.Grant, b.Grant)) })
	if len(e.List) > q.Limit {
		e.List, e.Endless, e.More = e.List[:q.Limit], 0, true
	}
	return e, nil
}

func (f *sampleFleet) Grant(_ context.Context, name string) (wire.Grant, error) {
	f.read.Add(1)
	for _, g := range f.grants {
		if g.Name == name {
			return g, nil
		}
	}
	return wire.Grant{}, &refusal.Error{Kind: refusal.NoSuchGrant, Detail: "no such grant"}
}

// History is that of a window that slides for a while and stands still then.
func (f *sampleFleet) History(_ context.Context, name string) ([]store.Observation, error) {
	g, err := f.Grant(context.Background(), name)
	if err != nil || g.WindowEndsAt == nil {
		return nil, err
	}
	var list []store.Observation
	for i := range 14 {
		back := time.Duration(13-i) * 24 * time.Hour
		list = append(list, store.Observation{At: g.WindowEndsAt.Add(-80*24*time.Hour - back), EndsAt: g.WindowEndsAt.Add(-max(back, 5*24*time.Hour) + 5*24*time.Hour),
			AccessLife: 14 * 24 * time.Hour, SameRefresh: true})
	}
	return list, nil
}
