package web_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// Consent in a real browser, which keeps cookies by its own rules, obeys the
// policies of our headers, and remembers addresses.
func TestABrowserGoesThroughConsent(t *testing.T) {
	h := begin(t)
	ctx := browse(t)
	do(t, ctx, chromedp.EmulateViewport(1280, 900), chromedp.Navigate(h.server.Open(peerRoot).URL),
		chromedp.WaitVisible(chromedp.CSS(`.hero`)))
	press(t, ctx, `a[href="/ui/grants/ops/authorize"]`, `form button.strong`)
	press(t, ctx, `form button.strong`, `button[value=accept]`)
	picture(t, ctx, "consent-webex.png")
	press(t, ctx, `button[value=accept]`, `.seal`)
	reads(t, ctx, "Hello, Alex Morgan", "spark:rooms_read", "Window runs")
	picture(t, ctx, "consent-done.png")
	accessible(t, ctx)
	if address := ask(t, ctx, chromedp.Location()); !strings.HasPrefix(address, h.url+"/ui/done/") {
		t.Errorf("the address bar says %s", address)
	}
	forgets(t, ctx, h)
	// Coming from Webex, the strict cookie stayed behind; from our page it comes.
	press(t, ctx, `a[href="/ui/"]`, `.hero`)
	reads(t, ctx, "2 grants wait")
	// Declined. A grant that needs no consent has its way to one on its own page.
	press(t, ctx, `a[href="/ui/grants/ops"]`, `main .two`)
	press(t, ctx, `a[href="/ui/grants/ops/authorize"]`, `form button.strong`)
	press(t, ctx, `form button.strong`, `button[value=decline]`)
	press(t, ctx, `button[value=decline]`, `.say.bad`)
	picture(t, ctx, "consent-declined.png")
	accessible(t, ctx)
	reads(t, ctx, "the person declined")
	forgets(t, ctx, h)
}

// Every other way that a renewal can go, for a grant to which Alex consented.
func TestABrowserShowsWhereConsentGoesAnotherWay(t *testing.T) {
	h := begin(t)
	ctx := browse(t)
	do(t, ctx, chromedp.EmulateViewport(1280, 900), chromedp.Navigate(h.server.Open(peerRoot).URL),
		chromedp.WaitVisible(chromedp.CSS(`.hero`)))
	for _, c := range []struct {
		name string
		walk func(t *testing.T)
		kept []string // what the page of the grant says afterwards
	}{
		{"the state has expired", func(t *testing.T) {
			depart(t, ctx, h)
			h.now = func() time.Time { return time.Now().Add(11 * time.Minute) }
			press(t, ctx, `button[value=accept]`, `.say`)
			reads(t, ctx, "This answer belongs to no consent that waits", "came too late", "Nothing has changed")
		}, []string{"Alex Morgan"}},
		{"the code comes a second time", func(t *testing.T) {
			depart(t, ctx, h)
			back := decide(t, ask(t, ctx, chromedp.Location()), accept(alex))
			do(t, ctx, chromedp.Navigate(back), chromedp.WaitVisible(chromedp.CSS(`.seal`)))
			reads(t, ctx, "Hello, Alex Morgan")
			forgets(t, ctx, h)
			do(t, ctx, chromedp.Navigate(back), chromedp.WaitVisible(chromedp.CSS(`.say`)))
			reads(t, ctx, "This answer belongs to no consent that waits", "used already")
		}, []string{"Alex Morgan"}},
		{"the host has a foreign name", func(t *testing.T) {
			_, port, _ := strings.Cut(strings.TrimPrefix(h.url, "http://"), ":")
			for _, name := range []string{"localhost", rebound} {
				for _, path := range []string{"/ui/", "/ui/grants/ops", "/ui/grants/ops/authorize"} {
					do(t, ctx, chromedp.Navigate("http://"+name+":"+port+path), chromedp.WaitVisible(chromedp.CSS(`.say`)))
					reads(t, ctx, "These pages are not served under this name", h.url+"/ui/")
					if text := ask(t, ctx, chromedp.Text(chromedp.CSS("body"))); strings.Contains(text, "Alex") || strings.Contains(text, "ops") {
						t.Errorf("under %s, %s speaks of a grant:\n%s", name, path, text)
					}
				}
			}
		}, []string{"Alex Morgan"}},
		{"the person takes a scope away", func(t *testing.T) {
			depart(t, ctx, h)
			do(t, ctx, chromedp.Click(chromedp.CSS(`input[value="spark:rooms_read"]`)))
			press(t, ctx, `button[value=accept]`, `.tag.bad`)
			picture(t, ctx, "consent-narrowed.png")
			accessible(t, ctx)
			reads(t, ctx, "Hello, Alex Morgan", "Not granted")
			if missing := ask(t, ctx, chromedp.Text(chromedp.CSS(`.tag.bad`))); missing != "spark:rooms_read" {
				t.Errorf("the page misses %q", missing)
			}
		}, []string{"Alex Morgan", "spark:rooms_read is missing"}},
		{"another person signs in, and then may", func(t *testing.T) {
			depart(t, ctx, h)
			signIn(t, ctx, kim, `.say.bad`)
			picture(t, ctx, "consent-other.png")
			accessible(t, ctx)
			reads(t, ctx, "Signed in as somebody else", "belongs to Alex Morgan", "Kim Lee", "nothing was changed")
			forgets(t, ctx, h)
			// The server asks for the account, instead of going on as Kim.
			press(t, ctx, `.say.bad a.button`, `form button.strong`)
			reads(t, ctx, "asks which account you use")
			press(t, ctx, `form button.strong`, `button[value=accept]`)
			if at := ask(t, ctx, chromedp.Location()); !strings.Contains(at, "prompt=select_account") {
				t.Errorf("the server is not asked to let the person choose: %s", at)
			}
			press(t, ctx, `button[value=accept]`, `.seal`)
			reads(t, ctx, "Hello, Alex Morgan")
			depart(t, ctx, h)
			signIn(t, ctx, kim, `.say.bad`)
			press(t, ctx, `.say.bad .faint a`, `form button.strong`)
			do(t, ctx, chromedp.Click(chromedp.CSS(`form:has(button.strong) input[name=other_user]`)))
			press(t, ctx, `form button.strong`, `button[value=accept]`)
			signIn(t, ctx, kim, `.seal`)
			reads(t, ctx, "Hello, Kim Lee")
		}, []string{"Kim Lee"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			h.now = time.Now
			v := h.as(t, 0)
			v.land(t, decide(t, v.begin(t, "ops", "other_user"), accept(alex))).says(t, 200, "Hello, Alex Morgan")
			c.walk(t)
			forgets(t, ctx, h)
			do(t, ctx, chromedp.Navigate(h.url+"/ui/grants/ops"), chromedp.WaitVisible(chromedp.CSS(`main`)))
			reads(t, ctx, c.kept...)
		})
	}
}

// depart goes to the page where Webex asks for consent to "ops".
func depart(t *testing.T, ctx context.Context, h *host) {
	t.Helper()
	do(t, ctx, chromedp.Navigate(h.url+"/ui/grants/ops/authorize"), chromedp.WaitVisible(chromedp.CSS(`form button.strong`)))
	press(t, ctx, `form button.strong`, `button[value=accept]`)
}

// signIn consents at Webex as that person.
func signIn(t *testing.T, ctx context.Context, email, shows string) {
	t.Helper()
	do(t, ctx, chromedp.SetValue(chromedp.CSS(`#email`), email))
	press(t, ctx, `button[value=accept]`, shows)
}

// press clicks and waits for what the next page shows.
func press(t *testing.T, ctx context.Context, what, shows string) {
	t.Helper()
	do(t, ctx, chromedp.Click(chromedp.CSS(what)), chromedp.WaitVisible(chromedp.CSS(shows)))
}

// reads looks for texts that the person sees.
func reads(t *testing.T, ctx context.Context, texts ...string) {
	t.Helper()
	seen := ask(t, ctx, chromedp.Text(chromedp.CSS("main")))
	for _, text := range texts {
		if !strings.Contains(seen, text) {
			t.Errorf("the page does not say %q:\n%s", text, seen)
		}
	}
}

// forgets makes sure that neither the address bar nor the way back keeps what
// Webex sent along.
func forgets(t *testing.T, ctx context.Context, h *host) {
	t.Helper()
	if address := ask(t, ctx, chromedp.Location()); strings.Contains(address, "?") {
		t.Errorf("the address bar says %s", address)
	}
	for _, kept := range history(t, ctx) {
		if strings.HasPrefix(kept, h.url) && strings.Contains(kept, "code=") {
			t.Errorf("the history keeps %s", kept)
		}
	}
}
