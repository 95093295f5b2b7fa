package web_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/accessibility"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/hashicorp/go-hclog"

	"webex-tokend/daemon/config"
	"webex-tokend/daemon/web"
)

// shots names a folder for pictures of every page, to be looked at.
const shots = "WEBEX_TOKEND_SHOTS"

// How pages look, in one browser, because its start takes longer than they do.
func TestPagesLookRight(t *testing.T) {
	var sites []site
	for _, n := range []int{3, 60, 1000} {
		sites = append(sites, serveSite(t, n))
	}
	ctx := browse(t)
	t.Run("they fit their screen", func(t *testing.T) { pagesFit(t, ctx, sites) })
	t.Run("a phone shows the first critical grant at once", func(t *testing.T) { firstOnAPhone(t, ctx, sites[1:]) })
	t.Run("a screen reader reaches the links of the picture", func(t *testing.T) { linksOfThePicture(t, ctx, sites[0]) })
	t.Run("axe-core finds nothing serious", func(t *testing.T) { pagesAreAccessible(t, ctx, sites[1]) })
}

// A site shows a fleet of a size.
type site struct {
	grants int
	url    string
	server *web.Server
	fleet  *sampleFleet
}

// enter signs the browser in. Cookies know no ports, so that it is signed out of
// every other site.
func (s site) enter(t *testing.T, ctx context.Context) {
	t.Helper()
	do(t, ctx, chromedp.Navigate(s.server.Open(peerRoot).URL), chromedp.WaitVisible(chromedp.CSS(`body[data-live]`)))
}

// Nothing sticks out at the side of a desk's screen or of a hand's, whatever
// the fleet's size.
func pagesFit(t *testing.T, ctx context.Context, sites []site) {
	for _, s := range sites {
		n, url := s.grants, s.url
		s.enter(t, ctx)
		for _, screen := range []struct{ width, height int64 }{{1280, 1300}, {390, 1500}} {
			for _, scheme := range []string{"light", "dark"} {
				for _, page := range []string{"/ui/", "/ui/?state=retrying", "/ui/grants/crm-tenant-0000", "/ui/grants/crm-tenant-0000/authorize", "/ui/grants/" + longest} {
					if n != 60 && page != "/ui/" {
						continue
					}
					name := fmt.Sprintf("%d grants, %d px, %s, %s", n, screen.width, scheme, page)
					do(t, ctx,
						chromedp.EmulateViewport(screen.width, screen.height),
						prefer(scheme),
						chromedp.Navigate(url+page),
					)
					sideways := ask(t, ctx, chromedp.Evaluate[bool](`document.documentElement.scrollWidth > innerWidth`))
					text := ask(t, ctx, chromedp.Text(chromedp.CSS("main")))
					strayed := ask(t, ctx, chromedp.Evaluate[string](leavesItsCard))
					if sideways {
						t.Errorf("%s: it is wider than the screen", name)
					}
					if strayed != "" {
						t.Errorf("%s: %q leaves its card", name, strayed)
					}
					if pale := ask(t, ctx, chromedp.Evaluate[string](tooPale)); pale != "" {
						t.Errorf("%s: text of the picture is too pale: %s", name, pale)
					}
					if len(text) < 80 {
						t.Errorf("%s: it says only %q", name, text)
					}
					picture(t, ctx, fmt.Sprintf("%d-%d-%s-%s.png", n, screen.width, scheme, filepath.Base(page)))
				}
			}
		}
	}
}

// leavesItsCard finds text of a picture that sticks out of the card around it:
// that makes no page wider.
const leavesItsCard = `[...document.querySelectorAll(".card svg text")].find(text => {
	const is = text.getBoundingClientRect(), card = text.closest(".card").getBoundingClientRect();
	return is.width && (is.left < card.left || is.right > card.right);
})?.textContent ?? ""`

// tooPale finds text of a picture, which axe-core does not look at, whose contrast
// is below the 4.5 of WCAG.
const tooPale = `(() => {
	const parts = color => color.match(/[\d.]+/g).map(Number);
	const light = color => parts(color).slice(0, 3).map(v => v / 255)
		.map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
		.reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
	for (const text of document.querySelectorAll("svg text")) {
		if (!text.getClientRects().length) continue;
		let behind = text;
		while (behind && (parts(getComputedStyle(behind).backgroundColor)[3] ?? 1) === 0) behind = behind.parentElement;
		const [a, b] = [light(getComputedStyle(text).fill), light(getComputedStyle(behind).backgroundColor)];
		const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
		if (contrast < 4.5) return text.textContent + " has " + contrast.toFixed(2);
	}
	return "";
})()`

// Below the chart, the first grant that needs somebody was two screens away.
func firstOnAPhone(t *testing.T, ctx context.Context, sites []site) {
	do(t, ctx, chromedp.EmulateViewport(390, 664))
	for _, s := range sites {
		s.enter(t, ctx)
		end := ask(t, ctx, chromedp.Evaluate[float64](`document.querySelector(".urgent li.bad").getBoundingClientRect().bottom`))
		if end > 664 {
			t.Errorf("of %d: it ends at %.0f of 664 px", s.grants, end)
		}
	}
}

// The picture was an image to screen readers, without the links in it.
func linksOfThePicture(t *testing.T, ctx context.Context, s site) {
	do(t, ctx, chromedp.EmulateViewport(1280, 900))
	s.enter(t, ctx)
	names := ask(t, ctx, func(ctx context.Context, target *chromedp.Target) ([]string, error) {
		tree, err := cdp.Call(ctx, target, accessibility.GetFullAXTree, accessibility.GetFullAXTreeParams{})
		if err != nil {
			return nil, err
		}
		var list []string
		for _, node := range tree.Nodes {
			if node.Role != nil && string(node.Role.Value) == `"link"` && node.Name != nil && !node.Ignored {
				list = append(list, string(node.Name.Value))
			}
		}
		return list, nil
	})
	for _, want := range []string{`"crm-tenant-0000: window ends `, `"support-tenant-0001: window ended `} {
		if n := len(slices.DeleteFunc(slices.Clone(names), func(name string) bool { return !strings.HasPrefix(name, want) })); n != 1 {
			t.Errorf("%d links begin with %s: %q", n, want, names)
		}
	}
}

// longest is the name of a grant in the fleet.
var longest = "rooms-tenant-0022-" + strings.Repeat("o", 45)

// prefer sets the colours that the person likes.
func prefer(scheme string) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		_, err := cdp.Call(ctx, target, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
		})
		return err
	})
}

// picture is taken where somebody wants to look.
func picture(t *testing.T, ctx context.Context, name string) {
	t.Helper()
	folder := os.Getenv(shots)
	if folder == "" {
		return
	}
	png := ask(t, ctx, chromedp.CaptureScreenshot())
	if err := os.WriteFile(filepath.Join(folder, name), png, 0o644); err != nil {
		t.Fatal(err)
	}
}

// serveSite shows a fleet to whoever comes by a door of its server.
func serveSite(t *testing.T, n int) site {
	t.Helper()
	listener := listen(t)
	url := "http://" + listener.Addr().String()
	source := ""
	for _, team := range []string{"crm", "support", "rooms", "analytics", "billing"} {
		source += fmt.Sprintf(`
integration %[1]q {
  kind               = "rest"
  client_id          = "C0ffee"
  client_secret_file = "/etc/webex-tokend/crm.secret"
  redirect_url       = "%[2]s/oauth"
  scopes             = ["spark:rooms_read", "spark:people_read"]
}
grant "%[1]s-*" {
  integration = %[1]q
  labels      = { team = %[1]q }
}
`, team, url)
	}
	cfg, fleet := parse(t, listener, source), newFleet(n, time.Now())
	server := serve(t, listener, web.Config{
		Report: fleet,
		Config: func() *config.Config { return cfg },
		Log:    hclog.New(&hclog.LoggerOptions{Output: t.Output(), Level: hclog.Error}),
	})
	return site{n, url, server, fleet}
}
