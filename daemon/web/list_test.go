package web_test

import (
	"context"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"webex-tokend/daemon/acl"
	"webex-tokend/daemon/config"
	"webex-tokend/daemon/event"
	"webex-tokend/daemon/report"
	"webex-tokend/daemon/web"
)

var rowName = regexp.MustCompile(`<td class="name"><a href="/ui/grants/([^"]+)"`)

func (a answer) rows() []string {
	var names []string
	for _, found := range rowName.FindAllStringSubmatch(a.body, -1) {
		names = append(names, found[1])
	}
	return names
}

// crowd serves a fleet to root.
func crowd(t *testing.T, n int) (*visitor, *sampleFleet) {
	t.Helper()
	s := serveSite(t, n)
	v := (&host{url: s.url}).stranger(t)
	if a := v.enter(s.server.Open(peerRoot).URL); a.status != http.StatusSeeOther {
		t.Fatalf("the door does not open: %d", a.status)
	}
	return v, s.fleet
}

var nextPage = regexp.MustCompile(`<a href="([^"]+)">Next page</a>`)

func TestPagesTogetherShowEveryGrantOnceTheMostUrgentFirst(t *testing.T) {
	v, fleet := crowd(t, 300)
	var shown []string
	for path, pages := "/ui/", 0; path != ""; pages++ {
		if pages > 10 {
			t.Fatal("there is no last page")
		}
		a := v.get(path)
		a.says(t, 200)
		shown = append(shown, a.rows()...)
		path = ""
		if next := nextPage.FindStringSubmatch(a.body); next != nil {
			path = strings.ReplaceAll(next[1], "&amp;", "&")
		}
	}
	if len(shown) != len(fleet.grants) {
		t.Fatalf("%d of %d are shown", len(shown), len(fleet.grants))
	}
	for i, g := range fleet.grants {
		if shown[i] != g.Name {
			t.Fatalf("in place %d stands %s, not %s", i, shown[i], g.Name)
		}
	}
}

// A draw read up to 2,000 records for its timeline.
func TestADrawReadsNoMoreThanItShows(t *testing.T) {
	v, fleet := crowd(t, 3000)
	for _, path := range []string{"/ui/", "/ui/?state=ok", "/ui/?label=team%3Dcrm"} {
		before := fleet.read.Load()
		v.get(path).says(t, 200)
		if n := fleet.read.Load() - before; n < 50 || n > 50+12 {
			t.Errorf("%s: %d records are read for 50 rows and 12 bars", path, n)
		}
	}
}

func TestAFilterNarrowsTheList(t *testing.T) {
	v, fleet := crowd(t, 300)
	for _, c := range []struct {
		name, query string
		fits        func(name, state string) bool
	}{
		{"by a part of the name", "name=tenant-000", func(name, _ string) bool { return strings.Contains(name, "tenant-000") }},
		{"whatever its letters are", "name=%20TENANT-000", func(name, _ string) bool { return strings.Contains(name, "tenant-000") }},
		{"by state", "state=reauthorize", func(_, state string) bool { return state == "reauthorize" }},
		{"by label", "label=team%3Dcrm&state=misconfigured", func(name, state string) bool { return strings.HasPrefix(name, "crm-") && state == "misconfigured" }},
		{"by all of them", "label=team%3Drooms&state=ok&name=00", func(name, state string) bool {
			return strings.HasPrefix(name, "rooms-") && state == "ok" && strings.Contains(name, "00")
		}},
		{"to nothing", "name=nobody", func(string, string) bool { return false }},
	} {
		t.Run(c.name, func(t *testing.T) {
			var want []string
			for _, g := range fleet.grants {
				if c.fits(g.Name, g.State) {
					want = append(want, g.Name)
				}
			}
			a := v.get("/ui/?" + c.query)
			a.says(t, 200)
			got := a.rows()
			if strings.Join(got, " ") != strings.Join(want, " ") {
				t.Errorf("got %v, want %v", got, want)
			}
		})
	}
	v.get("/ui/?name=nobody").says(t, 200, "No grant fits")
	v.get("/ui/?state=nonsense").says(t, 400)
	v.get("/ui/?name="+"%3Cscript%3E").says(t, 200, `value="&lt;script&gt;"`)
}

func TestAFleetTooLargeToCountIsCutWhereItIsKnown(t *testing.T) {
	v, fleet := crowd(t, 12_000)
	a := v.get("/ui/")
	a.says(t, 200, "12,000", "Beyond +73 d nothing is counted")
	ends := 0
	for _, g := range fleet.grants {
		if g.WindowEndsAt != nil && time.Until(*g.WindowEndsAt) > 25*24*time.Hour && time.Until(*g.WindowEndsAt) < 30*24*time.Hour {
			ends++
		}
	}
	a.says(t, 200, fmt.Sprintf("%d windows in 25 to 30 days", ends))
	if strings.Contains(a.body, "in 75 to 80 days") {
		t.Error("a column tells what was not counted")
	}
}

func TestMetricsAreThoseOfTheView(t *testing.T) {
	listener := listen(t)
	cfg := parse(t, listener, "")
	rules := acl.Config{Blocks: []acl.Block{{Users: []string{fmt.Sprint(somebody)}, Actions: []acl.Action{acl.Status}, Grants: []string{"crm-*"}}}}
	h := &host{url: "http://" + listener.Addr().String()}
	h.server = serve(t, listener, web.Config{
		Report: newFleet(3, time.Now()),
		Config: func() *config.Config { return cfg },
		Rules:  func() *acl.Rules { return acl.New(rules) },
		Metrics: func(view report.View) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				fmt.Fprintln(w, view == nil, view != nil && view("crm-1"), view != nil && view("ops"))
			})
		},
	})
	h.as(t, 0).get("/metrics").says(t, 200, "true false false")
	h.as(t, somebody).get("/metrics").says(t, 200, "false true false")
}

// A play is a stream of events known beforehand.
type play []event.Event

func (p *play) Next(context.Context) ([]event.Event, error) {
	if len(*p) == 0 {
		return nil, event.ErrEnded
	}
	first := (*p)[:1]
	*p = (*p)[1:]
	return first, nil
}

func (*play) Close() {}

func TestEventsTellOnlyOfGrantsInView(t *testing.T) {
	listener := listen(t)
	cfg := parse(t, listener, "")
	rules := acl.Config{Blocks: []acl.Block{{Users: []string{fmt.Sprint(somebody)}, Actions: []acl.Action{acl.Status}, Grants: []string{"crm"}}}}
	h := &host{url: "http://" + listener.Addr().String()}
	h.server = serve(t, listener, web.Config{
		Report: newFleet(3, time.Now()),
		Config: func() *config.Config { return cfg },
		Rules:  func() *acl.Rules { return acl.New(rules) },
		Events: func() web.Stream { return &play{{Grant: "ops"}, {Grant: "crm"}} },
	})
	for uid, want := range map[uint32]int{0: 2, somebody: 1} {
		a := h.as(t, uid).get("/ui/events")
		if got := strings.Count(a.body, "data: changed\n\n"); got != want {
			t.Errorf("user %d hears %d changes, not %d:\n%s", uid, got, want, a.body)
		}
		if strings.Contains(a.body, "ops") {
			t.Errorf("user %d hears of what changed:\n%s", uid, a.body)
		}
	}
}
