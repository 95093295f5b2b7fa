package web_test

import (
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// begin starts the consent of a grant on its page and returns the URL at Webex.
func (v *visitor) begin(t testing.TB, grant string, extra ...string) string {
	t.Helper()
	page := "/ui/grants/" + grant + "/authorize"
	form := v.get(page).form()
	for _, field := range extra {
		form.Set(field, "yes")
	}
	a := v.post(page, form)
	if a.status != http.StatusSeeOther || !strings.Contains(a.location(), "/v1/authorize?") {
		t.Fatalf("consent does not begin: %d %s\n%s", a.status, a.location(), a.body)
	}
	return a.location()
}

// decide does at Webex what a person does there, and returns the URL to which
// Webex sends the browser back.
func decide(t testing.TB, webex string, form url.Values) string {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := client.PostForm(webex, form)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusSeeOther {
		body, _ := io.ReadAll(resp.Body)
		t.Fatalf("Webex answers %d\n%s", resp.StatusCode, body)
	}
	return resp.Header.Get("Location")
}

func accept(email string, scopes ...string) url.Values {
	form := url.Values{"decision": {"accept"}, "email": {email}}
	if len(scopes) > 0 {
		form["scope"] = scopes
	}
	return form
}

var decline = url.Values{"decision": {"decline"}}

// land opens the URL that Webex gave and the page behind it.
func (v *visitor) land(t testing.TB, back string) answer {
	t.Helper()
	a := v.get(back)
	if a.status != http.StatusSeeOther {
		t.Fatalf("the answer of Webex is not led away: %d\n%s", a.status, a.body)
	}
	for _, secret := range []string{"code", "state"} {
		u, err := url.Parse(back)
		if err != nil {
			t.Fatal(err)
		}
		if value := u.Query().Get(secret); value != "" && strings.Contains(a.location(), value) {
			t.Errorf("the %s goes on to %s", secret, a.location())
		}
	}
	return v.get(a.location())
}

// says compares what a page tells a person.
func (a answer) says(t testing.TB, status int, texts ...string) {
	t.Helper()
	if a.status != status {
		t.Errorf("got %d, want %d", a.status, status)
	}
	for _, text := range texts {
		if !strings.Contains(a.body, text) {
			t.Errorf("the page does not say %q:\n%s", text, a.text())
		}
	}
}

var tags = regexp.MustCompile(`(?s)<(style|script|svg).*?</(style|script|svg)>|<[^>]*>|\n\s*\n`)

// text is what a person reads.
func (a answer) text() string { return tags.ReplaceAllString(a.body, "") }

const (
	alex = "alex.morgan@acme.example"
	kim  = "kim.lee@acme.example"
	eve  = "eve@elsewhere.example"
)

func TestConsentGreetsThePersonAndTellsWhatWasGranted(t *testing.T) {
	h := begin(t)
	v := h.as(t, 0)
	page := v.land(t, decide(t, v.begin(t, "ops"), accept(alex)))
	ops, err := h.report.Grant(t.Context(), "ops")
	if err != nil || ops.WindowEndsAt == nil {
		t.Fatalf("the grant is %+v, %v", ops, err)
	}
	if left := time.Until(*ops.WindowEndsAt).Round(time.Hour); left != 90*24*time.Hour {
		t.Errorf("its window ends in %v", left)
	}
	page.says(t, 200, "Hello, Alex Morgan", alex, "is authorized", "spark:people_read", "spark:rooms_read",
		ops.WindowEndsAt.Local().Format("2 Jan 2006"), "All grants")
	v.get("/ui/").says(t, 200, "2 grants wait for their first tokens")
	v.get("/ui/grants/ops").says(t, 200, "Alex Morgan", "Begin a new consent")

	again := v.land(t, decide(t, v.begin(t, "ops"), accept(alex)))
	again.says(t, 200, "Hello, Alex Morgan", "is renewed")
}

func TestConsentThatFailsSaysWhyAndChangesNothing(t *testing.T) {
	for _, c := range []struct {
		name string
		walk func(t *testing.T, h *host, v *visitor) answer
		says []string
		want int
	}{
		{"the person declines", func(t *testing.T, h *host, v *visitor) answer {
			return v.land(t, decide(t, v.begin(t, "ops"), decline))
		}, []string{"<h1>Declined</h1>", "the person declined", "Try again"}, 403},
		{"the state has expired", func(t *testing.T, h *host, v *visitor) answer {
			back := decide(t, v.begin(t, "ops"), accept(eve))
			h.now = func() time.Time { return time.Now().Add(11 * time.Minute) }
			return v.land(t, back)
		}, []string{"belongs to no consent that waits"}, 410},
		{"the state is made up", func(t *testing.T, h *host, v *visitor) answer {
			return v.land(t, h.url+"/oauth?code=c0de&state=made-up")
		}, []string{"belongs to no consent that waits"}, 410},
		{"the code comes a second time", func(t *testing.T, h *host, v *visitor) answer {
			back := decide(t, v.begin(t, "ops"), accept(alex))
			v.land(t, back).says(t, 200, "Hello, Alex Morgan")
			return v.land(t, back)
		}, []string{"belongs to no consent that waits"}, 410},
		{"another person consents", func(t *testing.T, h *host, v *visitor) answer {
			return v.land(t, decide(t, v.begin(t, "ops"), accept(eve)))
		}, []string{"<h1>Signed in as somebody else</h1>", "nothing was changed", "Sign in as another person"}, 403},
		{"the answer comes to another browser", func(t *testing.T, h *host, v *visitor) answer {
			back := decide(t, v.begin(t, "ops"), accept(eve))
			return h.stranger(t).land(t, back)
		}, []string{"began in another browser"}, 403},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := begin(t)
			v := h.as(t, 0)
			v.land(t, decide(t, v.begin(t, "ops"), accept(alex))).says(t, 200, "Hello, Alex Morgan")
			c.walk(t, h, v).says(t, c.want, c.says...)
			h.now = time.Now
			v.get("/ui/grants/ops").says(t, 200, "Alex Morgan")
		})
	}
}

func TestNarrowedScopesAreNamed(t *testing.T) {
	h := begin(t)
	v := h.as(t, 0)
	page := v.land(t, decide(t, v.begin(t, "ops"), accept(alex, "spark:people_read")))
	page.says(t, 200, "Hello, Alex Morgan", "Not granted", "spark:rooms_read")
	v.get("/ui/grants/ops").says(t, 200, "spark:rooms_read is missing")
}

func TestAnotherPersonMayConsentWhereTheOperatorSaysSo(t *testing.T) {
	h := begin(t)
	v := h.as(t, 0)
	v.land(t, decide(t, v.begin(t, "ops"), accept(alex)))
	v.land(t, decide(t, v.begin(t, "ops", "other_user"), accept(kim))).says(t, 200, "Hello, Kim Lee")
}

func TestALinkLetsAnotherPersonConsentOnce(t *testing.T) {
	h := begin(t)
	operator, other := h.as(t, 0), h.stranger(t)
	given := operator.post("/ui/grants/crm/link", operator.get("/ui/grants/crm/authorize").form())
	given.says(t, 200, h.url+"/link/")
	_, rest, _ := strings.Cut(given.body, h.url+"/link/")
	token, _, _ := strings.Cut(rest, "<")
	path := "/link/" + token

	// Looking at a link does not use it up: programs that show previews do.
	other.get(path).says(t, 200, "Your consent is asked for")
	page := other.get(path)
	page.says(t, 200, "crm", "spark:rooms_read")
	if strings.Contains(page.body, "ops") {
		t.Error("the page speaks of another grant")
	}
	if a := other.post(path, url.Values{}); a.status != 403 {
		t.Errorf("without its token the form is taken: %d", a.status)
	}
	begun := other.post(path, page.form())
	if begun.status != http.StatusSeeOther {
		t.Fatalf("got %d\n%s", begun.status, begun.body)
	}
	done := other.land(t, decide(t, begun.location(), accept(kim)))
	done.says(t, 200, "Hello, Kim Lee", "You can close this page")
	if strings.Contains(done.body, "/ui/") && !strings.Contains(done.body, "You can close") {
		t.Error("the page leads to where the person may not go")
	}
	other.get(path).says(t, 410, "has been used")
	other.post(path, page.form()).says(t, 410, "has been used")
	other.get("/ui/grants/crm").says(t, 403)
	operator.get("/ui/grants/crm").says(t, 200, "Kim Lee")

	// Whoever holds the next link is not told who came before.
	given = operator.post("/ui/grants/crm/link", operator.get("/ui/grants/crm/authorize").form())
	_, rest, _ = strings.Cut(given.body, h.url+"/link/")
	token, _, _ = strings.Cut(rest, "<")
	if next := h.stranger(t).get("/link/" + token); next.status != 200 || strings.Contains(next.body, "Kim") || strings.Contains(next.body, kim) {
		t.Errorf("got %d\n%s", next.status, next.text())
	}
}

func TestWhereThereIsNoConsentThePageSaysWhatElse(t *testing.T) {
	h := begin(t)
	v := h.as(t, 0)
	v.get("/ui/grants/bot/authorize").says(t, 409, "There is no consent in the browser", "webex-tokend import bot")
	v.post("/ui/grants/bot/authorize", v.get("/ui/").form()).says(t, 409)
	v.get("/ui/grants/none/authorize").says(t, 404)
	if list := v.get("/ui/"); strings.Contains(list.body, "/ui/grants/bot/authorize") {
		t.Error("the list has a button that leads nowhere")
	}
}

// What a consent brings stands in no page, no URL that a browser keeps, and no
// log at its most talkative.
func TestNoSecretIsShownOrLogged(t *testing.T) {
	h := begin(t)
	v := h.as(t, 0)
	at := v.begin(t, "ops")
	back := decide(t, at, accept(alex))
	pages := v.land(t, back).body + v.get("/ui/").body + v.get("/ui/grants/ops").body + v.get("/ui/grants/ops/authorize").body
	replayed := v.land(t, back).body
	asked, _ := url.Parse(at)
	answered, _ := url.Parse(back)
	current, err := h.fleet.Refresher.Current(t.Context(), "ops")
	if err != nil {
		t.Fatal(err)
	}
	secrets := map[string]string{
		"state":        asked.Query().Get("state"),
		"code":         answered.Query().Get("code"),
		"access token": current.Access.Reveal(),
	}
	for _, token := range h.webex.RefreshTokens() {
		secrets["refresh token"] = token
	}
	said := h.log.String()
	if !strings.Contains(said, "route") {
		t.Fatal("the log is empty")
	}
	for name, secret := range secrets {
		if len(secret) < 16 {
			t.Fatalf("the %s is %q", name, secret)
		}
		if strings.Contains(pages, secret) || strings.Contains(replayed, secret) {
			t.Errorf("a page shows the %s", name)
		}
		if strings.Contains(said, secret) {
			t.Errorf("the log has the %s", name)
		}
	}
}

// An event redraws the page where script runs.
func TestAPageRedrawsItselfWhenSomethingHappens(t *testing.T) {
	h := begin(t)
	ctx := browse(t)
	v := h.as(t, 0)
	do(t, ctx, chromedp.Navigate(h.server.Open(peerRoot).URL), chromedp.WaitVisible(chromedp.CSS(`tr.busy`)))
	v.land(t, decide(t, v.begin(t, "ops"), accept(alex)))
	do(t, ctx, chromedp.WaitVisible(chromedp.CSS(`tr.good a[href="/ui/grants/ops"]`)))
}

// A token that was mistaken for a name stood in the log.
func TestATokenInThePlaceOfANameIsNotLogged(t *testing.T) {
	const token = "NjlhNThmODctMzE5Yy00MTU3LWE2YzUt_PF84_cafe"
	h := begin(t)
	h.as(t, 0).get("/ui/grants/" + token)
	if log := h.log.String(); strings.Contains(log, token) || !strings.Contains(log, `grant="(not a name)"`) {
		t.Errorf("the log has it, or no line at all:\n%s", log)
	}
}
