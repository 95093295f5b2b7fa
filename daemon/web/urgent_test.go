package web_test

import (
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"webex-tokend/daemon/verdict"
)

var (
	urgentPart = regexp.MustCompile(`(?s)<ol class="urgent">.*?</ol>`)
	grantLink  = regexp.MustCompile(`<a href="/ui/grants/([^"/]+)"`)
	consentTo  = regexp.MustCompile(`<a class="button[^"]*" href="/ui/grants/([^"/]+)/authorize"`)
	legendItem = regexp.MustCompile(`</svg>([^<]+)</li>`)
	legendPart = regexp.MustCompile(`(?s)<ul class="legend">.*?</ul>`)
)

// The page began with a chart of a screen's height, whatever was wrong.
func TestGrantsThatNeedAttentionStandBeforeTheChartAndAreFew(t *testing.T) {
	for _, n := range []int{3, 60, 1000} {
		v, fleet := crowd(t, n)
		a := v.get("/ui/")
		a.says(t, 200)
		var want []string
		critical, warning := 0, 0
		for _, g := range fleet.grants { // by urgency
			switch verdict.Level(g.Level) {
			case verdict.Critical:
				critical++
			case verdict.Warning:
				warning++
			default:
				continue
			}
			want = append(want, g.Name)
		}
		want = want[:min(len(want), 5)]
		part := urgentPart.FindString(a.body)
		var got []string
		for _, found := range grantLink.FindAllStringSubmatch(part, -1) {
			got = append(got, found[1])
		}
		if !slices.Equal(got, want) {
			t.Errorf("of %d: before the chart stand %q, not %q", n, got, want)
		}
		if chart := strings.Index(a.body, `class="timeline"`); chart < 0 || chart < strings.Index(a.body, part) {
			t.Errorf("of %d: the chart stands at %d", n, chart)
		}
		if rest := fmt.Sprintf("%d more and %d that need attention soon", critical-5, warning); n == 1000 {
			a.says(t, 200, rest)
		}
	}
	// Where nothing is wrong the chart comes first.
	v, _ := crowd(t, 1)
	if a := v.get("/ui/"); a.status != 200 || strings.Contains(a.body, "Needs attention") || !strings.Contains(a.body, `class="timeline"`) {
		t.Errorf("all good: got %d\n%s", a.status, a.text())
	}
	// Who searches wants what is found.
	v, _ = crowd(t, 60)
	if a := v.get("/ui/?name=crm"); urgentPart.MatchString(a.body) || strings.Index(a.body, `class="grants"`) > strings.Index(a.body, `class="timeline"`) {
		t.Errorf("a search begins with something else:\n%s", a.text())
	}
}

// Every row had one, also where the client itself was refused.
func TestAButtonForConsentStandsWhereAConsentHelpsAndNowhereElse(t *testing.T) {
	v, fleet := crowd(t, 40)
	list := v.get("/ui/").body
	with := make(map[string]bool)
	for _, found := range consentTo.FindAllStringSubmatch(list, -1) {
		with[found[1]] = true
	}
	seen := make(map[bool]int)
	for _, g := range fleet.grants {
		helps := g.State == "unverified" || g.Action == "webex-tokend authorize "+g.Name
		seen[helps]++
		if with[g.Name] != helps {
			t.Errorf("%s is %s %s (%s): button %v", g.Name, g.State, g.Reason, g.Action, with[g.Name])
		}
		page := v.get("/ui/grants/" + g.Name)
		if got := consentTo.MatchString(page.body); got != helps {
			t.Errorf("page of %s: button %v", g.Name, got)
		}
		if !strings.Contains(page.body, `href="/ui/grants/`+g.Name+`/authorize"`) {
			t.Errorf("page of %s: no way to a consent at all", g.Name)
		}
	}
	if seen[true] < 3 || seen[false] < 3 {
		t.Errorf("the fleet shows one kind alone: %v", seen)
	}
	// What helps instead is said.
	v.get("/ui/").says(t, 200, "misconfigured: client rejected", "<code>webex-tokend validate</code>")
}

func TestTheLegendNamesWhatOccursAndNothingElse(t *testing.T) {
	for n, want := range map[int][]string{
		1: {"nobody has to act", "slides with every refresh"},
		3: {"nobody has to act", "ended", "slides with every refresh", "fixed: only consent moves it", "estimated: the server did not say"},
	} {
		v, _ := crowd(t, n)
		for _, part := range legendPart.FindAllString(v.get("/ui/").body, -1) {
			var got []string
			for _, item := range legendItem.FindAllStringSubmatch(part, -1) {
				got = append(got, item[1])
			}
			if !slices.Equal(got, want) {
				t.Errorf("of %d: %q, not %q", n, got, want)
			}
		}
	}
}

// The page still showed the name of who had just signed out.
func TestTheSignedOutPageKnowsNobody(t *testing.T) {
	h := begin(t)
	v := h.as(t, 0)
	form := v.get("/ui/").form()
	a := v.post("/ui/leave", form)
	a.says(t, http.StatusOK, "Signed out", "webex-tokend web")
	for _, gone := range []string{"root", "Sign out", `href="/ui/"`} {
		if strings.Contains(strings.ReplaceAll(a.body, ":root{", ""), gone) {
			t.Errorf("the page has %q:\n%s", gone, a.text())
		}
	}
	if !strings.Contains(h.log.String(), `route="POST /ui/leave" person=root`) {
		t.Error("the log does not say who it was")
	}
}
