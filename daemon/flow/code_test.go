package flow_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"webex-tokend/daemon/configfile"
	"webex-tokend/daemon/emulator"
	"webex-tokend/daemon/flow"
	"webex-tokend/daemon/refusal"
	"webex-tokend/daemon/wire"
)

const alex, kim = "alex.morgan@acme.example", "kim.lee@acme.example"

func TestAConsentRegistersTokensAndGreetsThePerson(t *testing.T) {
	for _, row := range []struct {
		name, grant string
		person      string // as greeted; empty: it cannot be known
	}{
		{"rest asks people/me", "ops", "Alex Morgan"},
		{"the answer of meetings names its user", "calls", alex},
		{"a generic server without an API does not tell", "other", ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newHost(t, emulator.Config{StrictMeetings: true}, "")
				out := h.done(h.authorize(row.grant, flow.Options{}, accept(alex)))
				if out.Result != "new" || out.Window != wire.WindowFirst && row.grant != "other" || len(out.Missing) != 0 {
					t.Errorf("outcome %+v", out)
				}
				switch {
				case row.person == "" && (out.Person != nil || len(out.Warnings) != 1):
					t.Errorf("person %+v, warnings %q", out.Person, out.Warnings)
				case row.person != "" && (out.Person == nil || out.Person.DisplayName != row.person || len(out.Warnings) != 0):
					t.Errorf("person %+v, warnings %q", out.Person, out.Warnings)
				}
				// The refresh token works, with what Meetings wants again.
				if err := h.fleet.Refresher.Refresh(t.Context(), row.grant); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

func TestTheAuthorizationURLIsThatOfItsKind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t, emulator.Config{}, "")
		for _, row := range []struct {
			grant, scope, method string
			length               int // of the challenge
		}{
			{"ops", "scope=spark%3Apeople_read+spark%3Arooms_read", "S256", 43},
			{"calls", "scope=all_read+meeting_modify", "plain", 10},
			{"other", "scope=spark%3Arooms_read", "S256", 43},
		} {
			a := h.begin(row.grant, flow.Options{})
			u, err := url.Parse(a.URL)
			if err != nil {
				t.Fatal(err)
			}
			q := u.Query()
			if !strings.Contains(u.RawQuery, row.scope) || strings.Contains(u.RawQuery, "%2B") {
				t.Errorf("%s: query %s", row.grant, u.RawQuery)
			}
			if q.Get("code_challenge_method") != row.method || len(q.Get("code_challenge")) != row.length {
				t.Errorf("%s: challenge %q by %q", row.grant, q.Get("code_challenge"), q.Get("code_challenge_method"))
			}
			if len(q.Get("state")) != 43 || q.Get("redirect_uri") != "http://127.0.0.1:8411/oauth" || q.Get("response_type") != "code" {
				t.Errorf("%s: query %s", row.grant, u.RawQuery)
			}
			if again := h.begin(row.grant, flow.Options{}); again.URL == a.URL || again.ID == a.ID {
				t.Errorf("%s: two consents share their state", row.grant)
			}
		}
	})
}

func TestAStateWorksOnceAndForTenMinutes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t, emulator.Config{}, "")
		query := h.person(h.begin("ops", flow.Options{}), accept(alex))
		a, err := h.consents.Redirected(t.Context(), "/oauth", query)
		if err != nil {
			t.Fatal(err)
		}
		h.done(a)
		unknown := func(what string, query url.Values) {
			t.Helper()
			asked := len(h.webex.Calls())
			if _, err := h.consents.Redirected(t.Context(), "/oauth", query); !errors.Is(err, flow.ErrUnknownState) {
				t.Errorf("%s: %v", what, err)
			}
			if len(h.webex.Calls()) != asked {
				t.Errorf("%s: something was sent", what)
			}
		}
		unknown("a replayed redirect", query)
		unknown("a state that nobody gave out", url.Values{"state": {"abc"}, "code": {"def"}})
		unknown("no state at all", url.Values{"code": {"def"}})

		late := h.begin("ops", flow.Options{})
		query = h.person(late, accept(alex))
		time.Sleep(10 * time.Minute)
		unknown("a redirect after ten minutes", query)
		if a, found := h.consents.Authorization(late.ID); !found || a.State != wire.Failed {
			t.Errorf("after ten minutes: %+v", a)
		}
		time.Sleep(10 * time.Minute)
		if _, found := h.consents.Authorization(late.ID); found {
			t.Error("it is remembered for ever")
		}

		cancelled := h.begin("ops", flow.Options{})
		query = h.person(cancelled, accept(alex))
		if !h.consents.Cancel(cancelled.ID) || h.consents.Cancel(cancelled.ID) {
			t.Error("a consent is cancelled once")
		}
		unknown("a redirect after the cancellation", query)
	})
}

func TestARefusalInTheRedirectIsPutIntoWords(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t, emulator.Config{Issuer: "https://idbroker.test/idb"}, `issuer = "https://idbroker.test/idb"`)
		h.failed(h.authorize("ops", flow.Options{}, url.Values{"decision": {"decline"}}), "the person declined", "begin again")
		for _, row := range []struct {
			name        string
			answer      url.Values
			why, advice string
		}{
			{"a scope that is not registered", url.Values{"error": {"invalid_scope"}}, "spark:people_read spark:rooms_read", "scopes of integration rest"},
			{"trouble at the server", url.Values{"error": {"server_error"}}, "trouble of its own", "minutes"},
			{"a code of its own making", url.Values{"error": {"<script>"}, "error_description": {"<script>"}}, "server refused", "redirect_url"},
			{"nothing", url.Values{}, "neither a code nor an error", "begin again"},
			{"another issuer", url.Values{"code": {"abc"}, "iss": {"https://evil.test"}}, "another authorization server", "issuer"},
			{"no issuer", url.Values{"code": {"abc"}}, "does not name its authorization server", "issuer"},
			{"a code that nobody gave out", url.Values{"code": {"abc"}, "iss": {"https://idbroker.test/idb"}}, "400", "begin again"},
		} {
			u, err := url.Parse(h.begin("ops", flow.Options{}).URL)
			if err != nil {
				t.Fatal(err)
			}
			row.answer.Set("state", u.Query().Get("state"))
			a, err := h.consents.Redirected(t.Context(), "/oauth", row.answer)
			if err != nil {
				t.Fatalf("%s: %v", row.name, err)
			}
			t.Log(row.name)
			h.failed(a, row.why, row.advice)
			if strings.Contains(a.Error+a.Advice, "<script>") {
				t.Errorf("%s: the page repeats the redirect", row.name)
			}
		}
		if g, err := h.report.Grant(t.Context(), "ops"); err != nil || g.State != "pending" {
			t.Errorf("afterwards: %+v, %v", g, err)
		}
	})
}

// A code went to the token endpoint of whichever integration its state belonged
// to, even when the answer had arrived at the redirect of another, or named the
// server of another: a hostile server in the configuration could so be handed the
// code of an honest one.
func TestAnAnswerOfAnotherServerIsRefusedBeforeItsCodeIsSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t, emulator.Config{}, `issuer = "https://idbroker.test/idb"`)
		for name, c := range map[string]struct{ grant, path, iss, want string }{
			"at the redirect of another":   {"other", "/redirect", "", "another address than redirect_url of integration generic"},
			"at the root":                  {"other", "/", "", "another address"},
			"with the issuer of another":   {"other", "/oauth", "https://idbroker.test/idb", "the authorization server of integration rest"},
			"without its own issuer":       {"ops", "/oauth", "", "does not name its authorization server"},
			"with an issuer of nobody":     {"ops", "/oauth", "https://evil.test", "another authorization server"},
			"with its issuer and a stroke": {"ops", "/oauth", "https://idbroker.test/idb/", "another authorization server"},
		} {
			query := h.person(h.begin(c.grant, flow.Options{}), accept(alex))
			if query.Del("iss"); c.iss != "" {
				query.Set("iss", c.iss)
			}
			asked := len(h.webex.Calls())
			a, err := h.consents.Redirected(t.Context(), c.path, query)
			if err != nil || a.State != wire.Failed || !strings.Contains(a.Error, c.want) {
				t.Errorf("%s: %s %q, %v; want %q", name, a.State, a.Error, err, c.want)
			}
			if len(h.webex.Calls()) != asked {
				t.Errorf("%s: the code was sent", name)
			}
		}
	})
}

func TestOnlyAFlowThatTheIntegrationHasBegins(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t, emulator.Config{}, "")
		for _, row := range []struct {
			name, grant string
			options     flow.Options
			kind        refusal.Kind
			action      string
		}{
			{"a grant that is not declared", "nobody", flow.Options{}, refusal.NoSuchGrant, "add to"},
			{"a name that cannot be", "../x", flow.Options{}, refusal.BadName, ""},
			{"a static token", "bot", flow.Options{}, refusal.Conflict, "webex-tokend import bot"},
			{"no redirect_url", "screen", flow.Options{}, refusal.Conflict, "webex-tokend authorize screen --device"},
			{"no device_authorize_url", "calls", flow.Options{Device: true}, refusal.Conflict, "webex-tokend authorize calls"},
		} {
			_, err := h.consents.Begin(t.Context(), row.grant, row.options)
			is, ok := refusal.As(err)
			if !ok || is.Kind != row.kind || !strings.HasPrefix(is.Action, row.action) {
				t.Errorf("%s: %v, %+v", row.name, err, is)
			}
		}
	})
}

func TestWhoPastesWhatThePageTookIsToldTheOutcome(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t, emulator.Config{}, "")
		a := h.begin("ops", flow.Options{})
		query := h.person(a, accept(alex))
		arrived, release := make(chan struct{}), make(chan struct{})
		h.between = func(req *http.Request, pass http.RoundTripper) (*http.Response, error) {
			if req.Method == http.MethodPost {
				close(arrived)
				<-release
			}
			return pass.RoundTrip(req)
		}
		go func() { _, _ = h.consents.Redirected(t.Context(), "/oauth", query) }()
		<-arrived
		pasted := make(chan wire.Authorization)
		go func() {
			ended, err := h.consents.Pasted(t.Context(), a.ID, a.RedirectURL+"?"+query.Encode())
			if err != nil {
				t.Error(err)
			}
			pasted <- ended
		}()
		synctest.Wait()
		close(release)
		h.done(<-pasted)
	})
}

// A hint led from --device to the browser and from there back, for an
// integration that has neither.
func TestAHintNeverLeadsToAnotherRefusal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t, emulator.Config{}, "")
		commands := 0
		for _, grant := range []string{"ops", "calls", "other", "bot", "screen", "nothing", "deaf"} {
			for _, o := range []flow.Options{{}, {Device: true}, {Link: true}} {
				_, err := h.consents.Begin(t.Context(), grant, o)
				refusal, refused := errors.AsType[*refusal.Error](err)
				if !refused || refusal.Action == "" {
					continue
				}
				next, found := strings.CutPrefix(refusal.Action, "webex-tokend authorize "+grant)
				if !found {
					if refusal.Action != "webex-tokend import "+grant {
						t.Errorf("%s %+v: next is %q", grant, o, refusal.Action)
					}
					continue
				}
				commands++
				if _, err := h.consents.Begin(t.Context(), grant, flow.Options{Device: next == " --device"}); err != nil {
					t.Errorf("%s %+v: %q is refused in turn: %v", grant, o, refusal.Action, err)
				}
			}
		}
		if commands == 0 {
			t.Error("no hint was tried")
		}
	})
}

func TestAThousandConsentsWaitAndFiftyOfAGrant(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t, emulator.Config{}, "")
		refused := func(grant, why string) {
			t.Helper()
			_, err := h.consents.Begin(t.Context(), grant, flow.Options{})
			if is, ok := refusal.As(err); !ok || is.Kind != refusal.Unavailable || is.Detail != why {
				t.Errorf("one too many: %v", err)
			}
		}
		for i := range 20 {
			grant := fmt.Sprint("tenant-", i)
			for range 50 {
				h.begin(grant, flow.Options{})
			}
			refused(grant, "50 consents of this grant wait already")
		}
		refused("ops", "1000 consents wait already")
		time.Sleep(20 * time.Minute)
		h.begin("ops", flow.Options{})
		h.begin("tenant-1", flow.Options{})
	})
}

func TestAPastedAddressBelongsToItsConsent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t, emulator.Config{}, "")
		mine, other := h.begin("ops", flow.Options{}), h.begin("calls", flow.Options{})
		address := mine.RedirectURL + "?" + h.person(mine, accept(alex)).Encode()
		for name, text := range map[string]string{
			"another consent's address": other.RedirectURL + "?" + h.person(other, accept(alex)).Encode(),
			"an address without state":  mine.RedirectURL + "?code=abc",
			"no address":                "%zz",
		} {
			_, err := h.consents.Pasted(t.Context(), mine.ID, text)
			if is, ok := refusal.As(err); !ok || is.Kind != refusal.BadContent {
				t.Errorf("%s: %v", name, err)
			}
		}
		a, err := h.consents.Pasted(t.Context(), mine.ID, " "+address+"\n")
		if err != nil {
			t.Fatal(err)
		}
		h.done(a)
		// It said "begin again" to the one whose consent had just been stored.
		if again, err := h.consents.Pasted(t.Context(), mine.ID, address); err != nil || again.State != wire.Done || again.Outcome == nil {
			t.Errorf("a second time: %+v, %v", again, err)
		}
		if _, err := h.consents.Pasted(t.Context(), mine.ID, other.RedirectURL+"?code=abc&state=def"); !errors.Is(err, flow.ErrUnknownState) {
			t.Errorf("a stranger's address afterwards: %v", err)
		}
	})
}

// A link led to a redirect that nothing served: the other person consented, and
// the code was lost.
func TestALinkIsRefusedWhereThePagesDoNotServeTheRedirect(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t, emulator.Config{}, "")
		_, err := h.consents.Begin(t.Context(), "far", flow.Options{Link: true})
		no, ok := errors.AsType[*refusal.Error](err)
		if !ok || no.Kind != refusal.Conflict || !strings.Contains(no.Detail, "http://127.0.0.1:6001/redirect") || no.Action != "webex-tokend authorize far --paste" {
			t.Errorf("a link was given: %v", err)
		}
	})
}

func TestALinkIsOpenedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t, emulator.Config{}, "")
		a := h.begin("ops", flow.Options{Link: true})
		token, found := strings.CutPrefix(a.URL, "http://127.0.0.1:8411"+flow.LinkPath)
		if !found || a.State != wire.Linked {
			t.Fatalf("link %+v", a)
		}
		for range 2 { // looking does not use it up
			if seen, found := h.consents.Link(token); !found || seen.Grant != "ops" {
				t.Fatalf("link shows %+v", seen)
			}
		}
		time.Sleep(23 * time.Hour)
		opened, err := h.consents.OpenLink(t.Context(), token)
		if err != nil || opened.ID != a.ID || opened.State != wire.Waiting {
			t.Fatalf("opened %+v, %v", opened, err)
		}
		if _, err := h.consents.OpenLink(t.Context(), token); !errors.Is(err, flow.ErrUnknownState) {
			t.Errorf("a second time: %v", err)
		}
		ended, err := h.consents.Redirected(t.Context(), "/oauth", h.person(opened, accept(alex)))
		if err != nil {
			t.Fatal(err)
		}
		h.done(ended)

		stale := h.begin("ops", flow.Options{Link: true})
		time.Sleep(24 * time.Hour)
		if _, err := h.consents.OpenLink(t.Context(), strings.TrimPrefix(stale.URL, "http://127.0.0.1:8411"+flow.LinkPath)); !errors.Is(err, flow.ErrUnknownState) {
			t.Errorf("after a day: %v", err)
		}
	})
}

func TestACodeOnItsWayIsBroughtHomeAtTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t, emulator.Config{}, "")
		query := h.person(h.begin("ops", flow.Options{}), accept(alex))
		arrived, release := make(chan struct{}), make(chan struct{})
		h.between = func(req *http.Request, pass http.RoundTripper) (*http.Response, error) {
			if req.Method == http.MethodPost {
				close(arrived)
				<-release
			}
			return pass.RoundTrip(req)
		}
		ended := make(chan wire.Authorization)
		go func() {
			a, _ := h.consents.Redirected(t.Context(), "/oauth", query)
			ended <- a
		}()
		<-arrived
		go h.consents.Close()
		synctest.Wait()
		close(release)
		h.done(<-ended)
		if h.token("ops") == "" {
			t.Error("there is no token")
		}
		if _, err := h.consents.Begin(t.Context(), "ops", flow.Options{}); err == nil {
			t.Error("a consent begins after the end")
		}
	})
}

func TestRedirectPathsAreThoseOfTheOrigin(t *testing.T) {
	parsed, err := configfile.Parse([]byte(`
integration "one" {
  kind          = "generic"
  client_id     = "C1"
  authorize_url = "https://as.test/authorize"
  token_url     = "https://as.test/token"
  redirect_url  = "http://127.0.0.1:8411/oauth"
}
integration "two" {
  kind          = "generic"
  client_id     = "C2"
  authorize_url = "https://as.test/authorize"
  token_url     = "https://as.test/token"
  redirect_url  = "http://127.0.0.1:8411"
}
integration "elsewhere" {
  kind          = "generic"
  client_id     = "C3"
  authorize_url = "https://as.test/authorize"
  token_url     = "https://as.test/token"
  redirect_url  = "http://127.0.0.1:6001/redirect"
}
`), "test.hcl")
	if err != nil {
		t.Fatal(err)
	}
	if got := flow.RedirectPaths(parsed, "http://127.0.0.1:8411"); !slices.Equal(got, []string{"/", "/oauth"}) {
		t.Errorf("paths %q", got)
	}
	if got := flow.RedirectPaths(parsed, ""); len(got) != 0 {
		t.Errorf("without pages: %q", got)
	}
}
