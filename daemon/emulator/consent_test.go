package emulator_test

import (
	"crypto/sha256"
	"encoding/base64"
	"maps"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"webex-tokend/daemon/emulator"
)

const verifier = "a-verifier-of-the-forty-three-letters-it-needs"

func hashed(verifier string) string {
	sum := sha256.Sum256([]byte(verifier))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// authorizeURL is the link that a client of the kind sends a browser to.
func authorizeURL(e *emulator.Emulator, k emulator.Kind, more url.Values) string {
	c, path, scope := e.Client(k), emulator.AuthorizePath, "spark:people_read spark:rooms_read"
	if k == emulator.Meetings {
		path, scope = emulator.MeetingsAuthorizePath, "all_read meeting_modify"
	}
	q := url.Values{
		"response_type": {"code"}, "client_id": {c.ID}, "redirect_uri": {c.RedirectURIs[0]},
		"scope": {scope}, "state": {"s t&te"},
	}
	maps.Copy(q, more)
	return path + "?" + q.Encode()
}

// decide submits the consent page and returns the query of the redirect back.
func decide(t *testing.T, e *emulator.Emulator, link string, form url.Values) url.Values {
	t.Helper()
	got := post(t, e, link, form)
	want(t, "status of the consent", got.status, 303)
	back, err := url.Parse(got.header.Get("Location"))
	if err != nil {
		t.Fatal(err)
	}
	return back.Query()
}

func accept() url.Values { return url.Values{"decision": {"accept"}} }

func codeForm(e *emulator.Emulator, k emulator.Kind, code string) url.Values {
	return clientForm(e, k, url.Values{
		"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {e.Client(k).RedirectURIs[0]},
	})
}

func TestAPersonConsentsOnAPageAndTheClientRedeemsTheCode(t *testing.T) {
	e := emulator.New(emulator.Config{Calm: true})
	client, server := overSocket(t, e)
	link := server + authorizeURL(e, emulator.REST, url.Values{
		"login_hint": {"kim.lee@other.example"}, "code_challenge": {hashed(verifier)}, "code_challenge_method": {"S256"},
	})
	page, err := client.Get(link)
	if err != nil {
		t.Fatal(err)
	}
	page.Body.Close()
	want(t, "status of the page", page.StatusCode, 200)

	done := send(t, client, formRequest(t, link, url.Values{"decision": {"accept"}, "email": {"kim.lee@other.example"}}))
	back, err := url.Parse(done.header.Get("Location"))
	if err != nil {
		t.Fatal(err)
	}
	want(t, "state", back.Query().Get("state"), "s t&te")
	form := codeForm(e, emulator.REST, back.Query().Get("code"))
	form.Set("code_verifier", verifier)
	got := send(t, client, formRequest(t, server+emulator.TokenPath, form))
	want(t, "status", got.status, 200)
	want(t, "scope", got.text("scope"), "spark:people_read spark:rooms_read")

	me := get(t, e, emulator.MePath, got.text("access_token"))
	want(t, "display name", me.text("displayName"), "Kim Lee")
	want(t, "organisation", me.text("orgId"), e.OrgID("other.example"))
	want(t, "refresh", refresh(t, e, emulator.REST, got.text("refresh_token")).status, 200)
}

func TestACodeIsRedeemedOnceInTimeByItsClientWithItsProof(t *testing.T) {
	s256 := url.Values{"code_challenge": {hashed(verifier)}, "code_challenge_method": {"S256"}}
	plain := url.Values{"code_challenge": {verifier}, "code_challenge_method": {"plain"}}
	unnamed := url.Values{"code_challenge": {verifier}}
	for _, test := range []struct {
		name   string
		ask    url.Values
		form   url.Values // replaces fields of a good exchange
		wait   time.Duration
		status int
	}{
		{"a good one without a challenge", nil, nil, 0, 200},
		{"a good one with a hashed challenge", s256, url.Values{"code_verifier": {verifier}}, 0, 200},
		{"a good one with a plain challenge", plain, url.Values{"code_verifier": {verifier}}, 0, 200},
		{"plain is meant where no method is named", unnamed, url.Values{"code_verifier": {verifier}}, 0, 200},
		{"another verifier", s256, url.Values{"code_verifier": {verifier + "x"}}, 0, 400},
		{"no verifier", plain, nil, 0, 400},
		{"the challenge itself in the place of the verifier", s256, url.Values{"code_verifier": {hashed(verifier)}}, 0, 400},
		{"another redirect", nil, url.Values{"redirect_uri": {"http://localhost:8080/oauth/"}}, 0, 400},
		{"an unknown code", nil, url.Values{"code": {"x"}}, 0, 400},
		{"just in time", nil, nil, 5*time.Minute - time.Millisecond, 200},
		{"too late", nil, nil, 5 * time.Minute, 400},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				e := emulator.New(emulator.Config{Calm: true})
				back := decide(t, e, authorizeURL(e, emulator.REST, test.ask), accept())
				time.Sleep(test.wait)
				form := codeForm(e, emulator.REST, back.Get("code"))
				maps.Copy(form, test.form)
				want(t, "status", post(t, e, emulator.TokenPath, form).status, test.status)
				want(t, "the second time", post(t, e, emulator.TokenPath, form).status, 400)
			})
		})
	}
}

func TestACodeOfAnotherClientIsRefused(t *testing.T) {
	e := emulator.New(emulator.Config{Calm: true})
	back := decide(t, e, authorizeURL(e, emulator.REST, nil), accept())
	want(t, "status", post(t, e, emulator.TokenPath, codeForm(e, emulator.Device, back.Get("code"))).status, 400)
}

func TestMeetingsConsentGoesByItsOwnRules(t *testing.T) {
	e := emulator.New(emulator.Config{Calm: true, StrictMeetings: true})
	challenge := func(text, method string) url.Values {
		return url.Values{"code_challenge": {text}, "code_challenge_method": {method}}
	}
	long := post(t, e, authorizeURL(e, emulator.Meetings, challenge("elevenchars", "plain")), accept())
	want(t, "eleven characters", strings.Contains(long.header.Get("Location"), "error=invalid_request"), true)

	back := decide(t, e, authorizeURL(e, emulator.Meetings, challenge("abc", "plain")), accept())
	form := codeForm(e, emulator.Meetings, back.Get("code"))
	form.Set("code_verifier", "abc")
	got := post(t, e, emulator.MeetingsTokenPath, form)
	want(t, "status", got.status, 200)
	want(t, "scope", got.text("scope"), "all_read meeting_modify")

	want(t, "refresh without the proof", refresh(t, e, emulator.Meetings, got.text("refresh_token")).status, 400)
	again := refreshForm(e, emulator.Meetings, got.text("refresh_token"))
	again.Set("redirect_uri", form.Get("redirect_uri"))
	again.Set("code_verifier", "abc")
	want(t, "refresh with the proof", post(t, e, emulator.MeetingsTokenPath, again).status, 200)
}

func TestAnEscapedPlusBetweenScopesIsNoSeparator(t *testing.T) {
	e := emulator.New(emulator.Config{Calm: true})
	link := authorizeURL(e, emulator.Meetings, nil)
	good := strings.Contains(link, "scope=all_read+meeting_modify")
	want(t, "the good link has a bare plus", good, true)
	want(t, "bare plus", get(t, e, link, "").status, 200)
	escaped := strings.Replace(link, "all_read+meeting_modify", "all_read%2Bmeeting_modify", 1)
	got := get(t, e, escaped, "")
	want(t, "escaped plus", strings.Contains(got.header.Get("Location"), "error=invalid_scope"), true)
}

func TestFaultsOfARequestGoBackToTheClient(t *testing.T) {
	e := emulator.New(emulator.Config{Calm: true})
	for code, spoiled := range map[string]url.Values{
		"unsupported_response_type": {"response_type": {"token"}},
		"invalid_scope":             {"scope": {"spark:everything"}},
		"login_required":            {"prompt": {"none"}},
		"invalid_request":           {"code_challenge": {"short"}, "code_challenge_method": {"S256"}},
	} {
		got := get(t, e, authorizeURL(e, emulator.REST, spoiled), "")
		want(t, code+": status", got.status, 302)
		back, err := url.Parse(got.header.Get("Location"))
		if err != nil {
			t.Fatal(err)
		}
		want(t, "error", back.Query().Get("error"), code)
		want(t, "state", back.Query().Get("state"), "s t&te")
	}
	none := get(t, e, authorizeURL(e, emulator.REST, url.Values{"scope": {""}}), "")
	want(t, "without any scope", strings.Contains(none.header.Get("Location"), "error=invalid_scope"), true)
}

func TestARequestThatCannotBeTrustedIsNotRedirected(t *testing.T) {
	e := emulator.New(emulator.Config{Calm: true})
	for name, spoiled := range map[string]url.Values{
		"an unknown client":        {"client_id": {"C0"}},
		"a foreign redirect":       {"redirect_uri": {"http://attacker.test/"}},
		"a redirect with a slash":  {"redirect_uri": {e.Client(emulator.REST).RedirectURIs[0] + "/"}},
		"no redirect among many":   {"redirect_uri": {""}},
		"a client of another kind": {"client_id": {e.Client(emulator.Meetings).ID}},
	} {
		got := post(t, e, authorizeURL(e, emulator.REST, spoiled), accept())
		want(t, name+": status", got.status, 400)
		want(t, name+": location", got.header.Get("Location"), "")
	}
}

func TestAPersonMayDeclineOrGiveLess(t *testing.T) {
	e := emulator.New(emulator.Config{Calm: true, Issuer: "https://idbroker.test/idb"})
	link := authorizeURL(e, emulator.REST, nil)
	declined := decide(t, e, link, url.Values{"decision": {"decline"}})
	want(t, "error", declined.Get("error"), "access_denied")
	want(t, "iss", declined.Get("iss"), "https://idbroker.test/idb")

	back := decide(t, e, link, url.Values{"decision": {"accept"}, "scope": {"spark:rooms_read", "spark:never_asked"}})
	got := post(t, e, emulator.TokenPath, codeForm(e, emulator.REST, back.Get("code")))
	want(t, "scope", got.text("scope"), "spark:rooms_read")
	want(t, "people", get(t, e, emulator.MePath, got.text("access_token")).status, 403)

	want(t, "no button", post(t, e, link, url.Values{}).status, 400)
	want(t, "no scope", post(t, e, link, url.Values{"decision": {"accept"}, "scope": {""}}).status, 400)
	want(t, "no address", post(t, e, link, url.Values{"decision": {"accept"}, "email": {"kim"}}).status, 400)
}

func TestASecondConsentMayBringTheFirstRefreshTokenWithItsOldEnd(t *testing.T) {
	for _, same := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			e := emulator.New(emulator.Config{Calm: true, SameOnConsent: same})
			consent := func() reply {
				back := decide(t, e, authorizeURL(e, emulator.REST, nil), accept())
				return post(t, e, emulator.TokenPath, codeForm(e, emulator.REST, back.Get("code")))
			}
			first := consent()
			time.Sleep(30 * day)
			second := consent()
			want(t, "the same refresh token", second.text("refresh_token") == first.text("refresh_token"), same)
			left := 90 * day
			if same {
				left = 60 * day
			}
			want(t, "what is left", second.number("refresh_token_expires_in"), int(left.Seconds()))
			want(t, "the access token is new", second.text("access_token") != first.text("access_token"), true)
		})
	}
}

// Systems with scopes or addresses of their own could not be tried: their first
// consent was refused.
func TestWhatIsRegisteredBesideTheUsualMayBeAskedFor(t *testing.T) {
	const home, scope = "https://app.example:48444/oauth", "identity:groups_read"
	more := url.Values{"redirect_uri": {home}, "scope": {"spark:people_read " + scope}}
	e := emulator.New(emulator.Config{Calm: true, RedirectURIs: []string{home}, Scopes: []string{scope}})
	form := codeForm(e, emulator.REST, decide(t, e, authorizeURL(e, emulator.REST, more), accept()).Get("code"))
	form.Set("redirect_uri", home)
	if got := post(t, e, emulator.TokenPath, form); !strings.Contains(got.text("scope"), scope) {
		t.Errorf("scopes are %q", got.text("scope"))
	}
	usual := emulator.New(emulator.Config{Calm: true})
	want(t, "an address that is not registered", post(t, usual, authorizeURL(usual, emulator.REST, more), accept()).status, 400)
}
