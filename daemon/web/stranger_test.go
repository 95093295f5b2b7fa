package web_test

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"webex-tokend/daemon/acl"
	"webex-tokend/daemon/config"
	"webex-tokend/daemon/configfile"
	"webex-tokend/daemon/web"
)

// Everything that a stranger can ask for, and what comes of it. A route that
// is missing here is found by the test below.
var doors = []struct {
	name, method, path, route string
	want                      int
}{
	{"health is for everybody", "GET", "/healthz", "GET /healthz", 200},
	{"readiness is for everybody", "GET", "/readyz", "GET /readyz", 200},
	{"the front page is not", "GET", "/", "GET /{$}", 403},
	{"the list is not", "GET", "/ui/", "GET /ui/{$}", 403},
	{"one grant is not", "GET", "/ui/grants/ops", "GET /ui/grants/{name}", 403},
	{"a grant that does not exist looks the same", "GET", "/ui/grants/none", "GET /ui/grants/{name}", 403},
	{"events are not", "GET", "/ui/events", "GET /ui/events", 403},
	{"metrics are not", "GET", "/metrics", "GET /metrics", 403},
	{"leaving takes a session", "POST", "/ui/leave", "POST /ui/leave", 403},
	{"the page before consent takes a session", "GET", "/ui/grants/ops/authorize", "GET /ui/grants/{name}/authorize", 403},
	{"so does beginning a consent", "POST", "/ui/grants/ops/authorize", "POST /ui/grants/{name}/authorize", 403},
	{"so does making a link", "POST", "/ui/grants/ops/link", "POST /ui/grants/{name}/link", 403},
	{"a guessed door does not open", "GET", "/ui/open/guess", "GET /ui/open/{token}", 403},
	{"a guessed door cannot be used", "POST", "/ui/open/guess", "POST /ui/open/{token}", 403},
	{"a guessed link is gone", "GET", "/link/guess", "GET /link/{token}", 410},
	{"a guessed link cannot be used", "POST", "/link/guess", "POST /link/{token}", 403},
	{"a guessed outcome is not known", "GET", "/ui/done/guess", "GET /ui/done/{id}", 404},
	{"the redirect path sends a made-up answer away", "GET", "/oauth?code=x&state=y", "/", 303},
	{"the redirect path takes no form", "POST", "/oauth", "/", 403},
	{"below the redirect path is nothing", "GET", "/oauth/more", "/", 403},
	{"a path that is none", "GET", "/nothing", "/", 403},
}

func TestAStrangerGetsNowhere(t *testing.T) {
	h := begin(t)
	v := h.stranger(t)
	for _, d := range doors {
		t.Run(d.name, func(t *testing.T) {
			a := v.do(d.method, d.path, url.Values{})
			if a.status != d.want {
				t.Errorf("got %d, want %d\n%s", a.status, d.want, a.body)
			}
			if strings.Contains(a.body, "ops") {
				t.Errorf("the answer speaks of a grant:\n%s", a.body)
			}
		})
	}
}

func TestEveryRouteStandsInTheTableOfStrangers(t *testing.T) {
	var tried []string
	for _, d := range doors {
		tried = append(tried, d.route)
	}
	for _, pattern := range web.Patterns() {
		if !slices.Contains(tried, pattern) {
			t.Errorf("nobody has tried %s", pattern)
		}
	}
}

func TestEveryAnswerIsGuarded(t *testing.T) {
	h := begin(t)
	for _, v := range []*visitor{h.stranger(t), h.as(t, 0)} {
		for _, path := range []string{"/healthz", "/", "/ui/", "/ui/grants/ops", "/ui/grants/ops/authorize", "/ui/open/x", "/link/x",
			"/ui/done/x", "/oauth?code=c&state=s", "/nothing"} {
			a := v.get(path)
			for name, want := range map[string]string{
				"Cache-Control":           "no-store",
				"Referrer-Policy":         "no-referrer",
				"X-Content-Type-Options":  "nosniff",
				"X-Frame-Options":         "DENY",
				"Content-Security-Policy": "default-src 'none'",
			} {
				if !strings.HasPrefix(a.header.Get(name), want) {
					t.Errorf("%s: %s is %q", path, name, a.header.Get(name))
				}
			}
			if policy := a.header.Get("Content-Security-Policy"); strings.Contains(policy, "unsafe") || strings.Contains(policy, "*") {
				t.Errorf("%s: the policy is open: %s", path, policy)
			}
		}
	}
}

func TestAForeignNameOfTheHostIsRefused(t *testing.T) {
	h := begin(t)
	v := h.as(t, 0)
	under := func(name string) func(*http.Request) { return func(r *http.Request) { r.Host = name } }
	for _, path := range []string{"/", "/ui/", "/ui/grants/ops", "/ui/open/x", "/link/x", "/ui/done/x", "/oauth?code=c&state=s", "/nothing"} {
		a := v.do("GET", path, nil, under("evil.example"))
		if a.status != http.StatusMisdirectedRequest {
			t.Errorf("%s: got %d", path, a.status)
		}
	}
	if a := v.get("/ui/"); a.status != 200 {
		t.Errorf("under its own name: got %d", a.status)
	}
	// A probe knows an address only, and learns nothing.
	if a := v.do("GET", "/healthz", nil, under("10.0.0.1")); a.status != 200 {
		t.Errorf("health: got %d", a.status)
	}
}

func TestAFormFromElsewhereDoesNothing(t *testing.T) {
	h := begin(t)
	v := h.as(t, 0)
	page := v.get("/ui/grants/ops/authorize")
	right := page.form()
	if len(right) == 0 {
		t.Fatalf("the page has no form:\n%s", page.body)
	}
	other := h.as(t, 0).get("/ui/grants/ops/authorize").form()
	for _, c := range []struct {
		name   string
		form   url.Values
		change func(*http.Request)
		want   int
	}{
		{"without a token", url.Values{}, func(*http.Request) {}, 403},
		{"with another session's token", other, func(*http.Request) {}, 403},
		{"sent by another site", right, func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") }, 403},
		{"sent by another origin", right, func(r *http.Request) { r.Header.Set("Origin", "https://evil.example") }, 403},
		{"as the page sends it", right, func(r *http.Request) { r.Header.Set("Origin", h.url) }, 303},
	} {
		t.Run(c.name, func(t *testing.T) {
			if a := v.do("POST", "/ui/grants/ops/authorize", c.form, c.change); a.status != c.want {
				t.Errorf("got %d, want %d", a.status, c.want)
			}
		})
	}
}

func TestADoorOpensOnceAndOnlyForAWhile(t *testing.T) {
	h := begin(t)
	door := h.server.Open(acl.Peer{}).URL
	if a := h.stranger(t).enter(door); a.status != 303 || a.location() != "/ui/" {
		t.Fatalf("got %d to %q", a.status, a.location())
	} else if cookie := a.header.Get("Set-Cookie"); !strings.Contains(cookie, "HttpOnly") || !strings.Contains(cookie, "SameSite=Strict") {
		t.Errorf("the cookie is %q", cookie)
	}
	if a := h.stranger(t).get(door); a.status != 403 {
		t.Errorf("a second time: got %d", a.status)
	}
	late := h.server.Open(acl.Peer{})
	v := h.stranger(t)
	form := v.get(late.URL).form()
	h.now = func() time.Time { return late.ExpiresAt }
	if a := v.post(late.URL, form); a.status != 403 {
		t.Errorf("too late: got %d", a.status)
	}
}

// A chat that previews links, a scanner and a browser that guesses what is
// opened next had used the link up before its person came.
func TestWhateverLooksAtASignInLinkLeavesItAsItWas(t *testing.T) {
	h := begin(t)
	door := h.server.Open(acl.Peer{}).URL
	scanner := h.stranger(t)
	for _, method := range []string{"HEAD", "GET", "GET"} {
		a := scanner.do(method, door, nil, func(r *http.Request) { r.Header.Set("Sec-Purpose", "prefetch") })
		if a.status != 200 || len(a.header["Set-Cookie"]) > 0 {
			t.Errorf("%s: got %d with cookies %q", method, a.status, a.header["Set-Cookie"])
		}
	}
	if a := scanner.get("/ui/"); a.status != 403 {
		t.Errorf("the scanner got in: %d", a.status)
	}
	// Nor does a page of somebody else press the button.
	form := scanner.get(door).form()
	foreign := func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") }
	if a := scanner.do("POST", door, form, foreign); a.status != 403 {
		t.Errorf("a form of another site: got %d", a.status)
	}
	if a := h.stranger(t).enter(door); a.status != 303 {
		t.Errorf("the person: got %d", a.status)
	}
}

func TestAUserWithManySessionsEndsNoneOfOthers(t *testing.T) {
	h := begin(t)
	h.rules.Blocks = []acl.Block{{Users: []string{fmt.Sprint(somebody)}, Actions: []acl.Action{acl.Status}, Grants: []string{"ops"}}}
	other := h.as(t, 0)
	door := h.server.Open(acl.Peer{}).URL
	first := h.as(t, somebody)
	if a := first.get("/ui/"); a.status != 200 {
		t.Fatalf("got %d", a.status)
	}
	for range 70 {
		h.as(t, somebody)
	}
	for range 1000 {
		h.server.Open(acl.Peer{UID: somebody})
	}
	if a := other.get("/ui/"); a.status != 200 {
		t.Errorf("the session of another user: got %d", a.status)
	}
	if a := h.stranger(t).enter(door); a.status != 303 {
		t.Errorf("the door of another user: got %d", a.status)
	}
	if a := first.get("/ui/"); a.status != 403 {
		t.Errorf("the oldest of too many sessions: got %d", a.status)
	}
}

func TestASessionEnds(t *testing.T) {
	h := begin(t)
	left, late := h.as(t, 0), h.as(t, 0)
	if a := left.post("/ui/leave", left.get("/ui/").form()); a.status != 200 {
		t.Fatalf("leave: got %d\n%s", a.status, a.body)
	}
	if a := left.get("/ui/"); a.status != 403 {
		t.Errorf("after leaving: got %d", a.status)
	}
	if a := late.get("/ui/"); a.status != 200 {
		t.Errorf("another session: got %d", a.status)
	}
	h.now = func() time.Time { return time.Now().Add(13 * time.Hour) }
	if a := late.get("/ui/"); a.status != 403 {
		t.Errorf("after a day: got %d", a.status)
	}
}

func TestASessionHasTheRightsOfItsPeerAndNoMore(t *testing.T) {
	h := begin(t)
	h.rules = acl.Config{Blocks: []acl.Block{{Users: []string{fmt.Sprint(somebody)}, Actions: []acl.Action{acl.Status}, Grants: []string{"crm"}}}}
	v := h.as(t, somebody)
	list := v.get("/ui/")
	if list.status != 200 || !strings.Contains(list.body, "/ui/grants/crm") || strings.Contains(list.body, "/ui/grants/ops") {
		t.Errorf("got %d\n%s", list.status, list.body)
	}
	if strings.Contains(list.body, "/authorize") {
		t.Error("the list has a button that is not theirs")
	}
	for path, want := range map[string]int{"/ui/grants/crm": 200, "/ui/grants/ops": 403, "/ui/grants/none": 403,
		"/ui/grants/crm/authorize": 403, "/ui/grants/ops/authorize": 403} {
		if a := v.get(path); a.status != want {
			t.Errorf("%s: got %d, want %d", path, a.status, want)
		}
	}
	for _, path := range []string{"/ui/grants/crm/authorize", "/ui/grants/crm/link"} {
		if a := v.post(path, list.form()); a.status != 403 {
			t.Errorf("POST %s: got %d", path, a.status)
		}
	}
	// A reload that takes the rights away ends what the session can do.
	h.rules = acl.Config{}
	if a := v.get("/ui/grants/crm"); a.status != 403 {
		t.Errorf("without rules: got %d", a.status)
	}
}

func TestAListenerBeyondLoopbackTakesTLSAndAuthentication(t *testing.T) {
	dir := t.TempDir()
	cert, key := certificate(t, dir)
	users := "basic_auth_users:\n  ada: " + hashOf(t, "lovelace") + "\n"
	tlsPart := fmt.Sprintf("tls_server_config:\n  cert_file: %s\n  key_file: %s\n", cert, key)
	for _, c := range []struct {
		name, listen, file string
		refused            string
	}{
		{"loopback with nothing", "127.0.0.1:1", "", ""},
		{"loopback with users alone", "127.0.0.1:1", users, ""},
		{"the network with users alone", "0.0.0.0:1", users, "TLS"},
		{"the network with TLS alone", "0.0.0.0:1", tlsPart, "neither users nor client certificates"},
		{"the network with both", "0.0.0.0:1", tlsPart + users, ""},
		{"a password in the clear", "127.0.0.1:1", "basic_auth_users:\n  ada: lovelace\n", "bcrypt"},
		{"a misspelt key", "127.0.0.1:1", "basic_auth_user:\n  ada: x\n", "web_config_file"},
	} {
		t.Run(c.name, func(t *testing.T) {
			at := &config.HTTP{Listen: c.listen, PublicURL: "https://tokens.example"}
			if c.file != "" {
				at.WebConfigFile = writeFile(t, c.file)
			}
			err := web.Check(at)
			if c.refused == "" && err != nil || c.refused != "" && (err == nil || !strings.Contains(err.Error(), c.refused)) {
				t.Errorf("got %v", err)
			}
			if err != nil && strings.Contains(err.Error(), "lovelace") {
				t.Error("a password is shown")
			}
		})
	}
}

func TestBrowsersLeaveOutTheDefaultPort(t *testing.T) {
	listener := listen(t)
	cfg, err := configfile.Parse(fmt.Appendf(nil, "http {\nlisten = %q\npublic_url = \"http://localhost\"\n}\n", listener.Addr()), "test.hcl")
	if err != nil {
		t.Fatal(err)
	}
	serve(t, listener, web.Config{Report: newFleet(3, time.Now()), Config: func() *config.Config { return cfg }})
	v := (&host{url: "http://" + listener.Addr().String()}).stranger(t)
	for name, want := range map[string]int{"localhost": 403, "localhost:80": 403, "LOCALHOST": 403, listener.Addr().String(): 403,
		"localhost:443": 421, "127.0.0.1": 421, "localhost.evil.example": 421} {
		if a := v.do("GET", "/ui/", nil, func(r *http.Request) { r.Host = name }); a.status != want {
			t.Errorf("%s: got %d, want %d", name, a.status, want)
		}
	}
}
