package web

import (
	"context"
	"errors"
	"maps"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"webex-tokend/daemon/config"
	"webex-tokend/daemon/report"
	"webex-tokend/daemon/verdict"
	"webex-tokend/daemon/wire"
	"webex-tokend/store"
)

const (
	// rowsShown is a page of the list.
	rowsShown = 50
	// endsCounted is how many ends the timeline counts at most, the nearest ones.
	// They are read from the index alone.
	endsCounted = 10_000
	// searchTime bounds a search through a fleet of any size.
	searchTime = 5 * time.Second
)

// A listing is the page of grants.
type listing struct {
	Status   wire.Status
	Headline string
	Detail   string
	Tone     string
	States   []stateCount
	Filter   filter
	Urgent   urgent
	Rows     []row
	Hidden   int    // declared or registered grants that are on other pages
	Next     string // URL of the next page; empty: this is the last
	First    string // URL of the first page; empty: this is it
	Timeline *timeline
	Labels   []string // "key=value" of the configuration, to choose from
	Tired    bool     // the search ended before the fleet did
}

// Troubles are those of the hosts that share the store.
func (l listing) Troubles() []verdict.HostTrouble { return verdict.OfHosts(l.Status) }

// A stateCount is one chip above the list.
type stateCount struct {
	State  string
	Tone   string // of the most urgent of them; empty: of all states
	Count  int
	Link   string
	Chosen bool
}

// A filter is the query of the page. The form sends it by GET, so that a
// filtered page is a link.
type filter struct {
	Name  string // part of a name
	State string
	Label string // key=value
	After string // cursor
}

func filterOf(q url.Values) filter {
	return filter{
		Name:  strings.ToLower(strings.TrimSpace(q.Get("name"))),
		State: q.Get("state"),
		Label: q.Get("label"),
		After: q.Get("after"),
	}
}

func (f filter) link() string {
	q := url.Values{}
	for key, value := range map[string]string{"name": f.Name, "state": f.State, "label": f.Label, "after": f.After} {
		if value != "" {
			q.Set(key, value)
		}
	}
	if len(q) == 0 {
		return "/ui/"
	}
	return "/ui/?" + q.Encode()
}

// Narrow reports whether not every grant is meant.
func (f filter) Narrow() bool { return f.Name != "" || f.State != "" || f.Label != "" }

// viewOf joins the filter with what the person may see.
func viewOf(c *call, cfg *config.Config, f filter) report.View {
	allowed := c.view()
	if f.Name == "" && f.Label == "" {
		return allowed
	}
	key, value, _ := strings.Cut(f.Label, "=")
	return func(name string) bool {
		if allowed != nil && !allowed(name) || !strings.Contains(name, f.Name) {
			return false
		}
		if f.Label == "" {
			return true
		}
		g, ok := cfg.Grant(name)
		return ok && g.Labels[key] == value
	}
}

// list serves the page of grants.
func (s *Server) list(c *call) error {
	f := filterOf(c.r.URL.Query())
	if f.State != "" && !slices.Contains(store.ByUrgency(), store.State(f.State)) {
		return &fault{http.StatusBadRequest, "There is no such state", "The list shows those that there are."}
	}
	ctx, cancel := context.WithTimeout(c.r.Context(), searchTime)
	defer cancel()
	l := listing{Filter: f, Labels: labels(s.cfg.Config().Grants)}
	var err error
	if l.Status, err = s.cfg.Report.Status(ctx, c.view()); ctx.Err() != nil && c.r.Context().Err() == nil {
		return &fault{http.StatusServiceUnavailable, "The fleet took too long to look through", "The status of all is faster than that of some. Try again later."}
	} else if err != nil {
		return err
	}
	now := s.cfg.Now()
	l.Headline, l.Detail, l.Tone = headline(l.Status, now)
	l.States = stateCounts(l.Status, f)
	if err := s.fill(ctx, c, &l, now); err != nil {
		return err
	}
	return s.show(c, http.StatusOK, "list.html", l)
}

// fill reads the grants. A search that takes too long shows what it has: in a
// fleet of a million a part of a name can be rare.
func (s *Server) fill(ctx context.Context, c *call, l *listing, now time.Time) error {
	f := l.Filter
	q := report.Query{View: viewOf(c, s.cfg.Config(), f), After: f.After, Limit: rowsShown}
	most := math.MaxInt
	if f.State != "" {
		q.States = []store.State{store.State(f.State)}
		if q.View == nil && f.After == "" { // so that a search ends with the last of them
			most = max(l.Status.States[f.State], 1)
			q.Limit = min(q.Limit, most)
		}
	}
	page, err := s.cfg.Report.Grants(ctx, q)
	if err == nil && f.After == "" {
		q.Limit = endsCounted
		l.Timeline, err = s.timeline(ctx, q, now)
	}
	if errors.Is(err, context.DeadlineExceeded) && c.r.Context().Err() == nil {
		l.Tired, err = true, nil
	}
	if err != nil {
		return err
	}
	for _, g := range page.Grants {
		l.Rows = append(l.Rows, s.row(c, g, now))
	}
	if !f.Narrow() && f.After == "" {
		l.Urgent = urgentOf(l.Rows, l.Status)
	}
	if f.After != "" {
		l.First = filter{Name: f.Name, State: f.State, Label: f.Label}.link()
	}
	if page.Next != "" && most > len(page.Grants) {
		f.After = page.Next
		l.Next = f.link()
	}
	if !f.Narrow() && l.First == "" {
		l.Hidden = max(l.Status.Grants-len(page.Grants), 0)
	}
	return nil
}

func stateCounts(sum wire.Status, f filter) []stateCount {
	all := filter{Name: f.Name, Label: f.Label}
	list := []stateCount{{State: "all", Count: sum.Grants, Link: all.link(), Chosen: f.State == ""}}
	for _, state := range store.ByUrgency() {
		if n := sum.States[string(state)]; n > 0 || f.State == string(state) {
			all.State = string(state)
			chip := stateCount{State: string(state), Tone: "rest", Count: n, Link: all.link(), Chosen: f.State == string(state)}
			if level, some := sum.StateLevels[string(state)]; some {
				chip.Tone = toneOf(string(state), level)
			}
			list = append(list, chip)
		}
	}
	return list
}

// labels are those of the grant blocks.
func labels(blocks []*config.Grant) []string {
	seen := make(map[string]struct{})
	for _, g := range blocks {
		for key, value := range g.Labels {
			seen[key+"="+value] = struct{}{}
		}
	}
	return slices.Sorted(maps.Keys(seen))
}
