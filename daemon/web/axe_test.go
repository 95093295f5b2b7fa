package web_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// axeSource is the program of axe-core, which .ci/run installs; empty: it is not
// here.
func axeSource(t *testing.T) string {
	t.Helper()
	folder := os.Getenv("WEBEX_TOKEND_NODE_MODULES")
	if folder == "" && os.Getenv("CI") != "true" {
		return ""
	}
	source, err := os.ReadFile(filepath.Join(folder, "axe-core", "axe.min.js"))
	if err != nil {
		t.Fatal(err)
	}
	return string(source)
}

// seriousFaults are what axe-core finds that keeps somebody from a page: rule, place
// and why, one line each.
const seriousFaults = `axe.run(document, {resultTypes: ["violations"]}).then(found => found.violations
	.filter(v => v.impact === "serious" || v.impact === "critical")
	.flatMap(v => v.nodes.map(n => v.id + " at " + n.target.join(" ") + ": " + n.failureSummary.replace(/\s+/g, " ")))
	.join("\n"))`

// accessible lets axe-core look at the page that the browser shows, where there is
// axe-core.
func accessible(t *testing.T, ctx context.Context) {
	t.Helper()
	if source := axeSource(t); source != "" {
		if found := axe(t, ctx, source); found != "" {
			t.Errorf("%s:\n%s", ask(t, ctx, chromedp.Location()), found)
		}
	}
}

func axe(t *testing.T, ctx context.Context, source string) string {
	t.Helper()
	ask(t, ctx, chromedp.Evaluate[string](source+`;""`))
	return ask(t, ctx, chromedp.Evaluate[string](seriousFaults, chromedp.EvalAwaitPromise))
}

// Pages of a consent are looked at where a browser goes through one.
func pagesAreAccessible(t *testing.T, ctx context.Context, s site) {
	source := axeSource(t)
	if source == "" {
		t.Skip("there is no $WEBEX_TOKEND_NODE_MODULES, a folder with axe-core; .ci/run makes one")
	}
	s.enter(t, ctx)
	for _, c := range []struct {
		width  int64
		scheme string
		pages  []string
	}{
		{1280, "light", []string{"/ui/", "/ui/grants/support-tenant-0001", "/ui/grants/crm-tenant-0000/authorize"}},
		{390, "dark", []string{"/ui/", "/ui/grants/crm-tenant-0000", "/ui/?state=retrying", "/ui/grants/none"}},
	} {
		do(t, ctx, chromedp.EmulateViewport(c.width, 900), prefer(c.scheme))
		for _, page := range c.pages {
			do(t, ctx, chromedp.Navigate(s.url+page))
			accessible(t, ctx)
		}
	}
	// The check must be able to fail.
	ask(t, ctx, chromedp.Evaluate[string](`document.querySelector("h1").style.color = "var(--line)"; ""`))
	if found := axe(t, ctx, source); !strings.Contains(found, "color-contrast") {
		t.Errorf("text that nobody can read passes: %q", found)
	}
}
