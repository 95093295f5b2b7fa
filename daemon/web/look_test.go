package web_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/hashicorp/go-hclog"

	"webex-tokend/daemon/acl"
	"webex-tokend/daemon/config"
	"webex-tokend/daemon/web"
)

// shots names a folder for pictures of every page, to be looked at.
const shots = "WEBEX_TOKEND_SHOTS"

// Nothing sticks out at the side of a desk's screen or of a hand's, whatever
// the fleet's size; nor does a page say anything on the console.
func TestPagesFitTheirScreen(t *testing.T) {
	ctx := browse(t)
	for _, n := range []int{3, 60, 1000} {
		url, door := serveFleet(t, n)
		do(t, ctx, chromedp.Navigate(door), chromedp.WaitVisible(chromedp.CSS(`body[data-live]`)))
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

// serveFleet shows a fleet to whoever comes by the door.
func serveFleet(t *testing.T, n int) (url, door string) {
	t.Helper()
	listener := listen(t)
	url = "http://" + listener.Addr().String()
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
	cfg := parse(t, listener, source)
	server := serve(t, listener, web.Config{
		Report: newFleet(n, time.Now()),
		Config: func() *config.Config { return cfg },
		Log:    hclog.New(&hclog.LoggerOptions{Output: t.Output(), Level: hclog.Error}),
	})
	return url, server.Open(acl.Peer{}).URL
}
