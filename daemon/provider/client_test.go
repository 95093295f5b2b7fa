package provider_test

import (
	"encoding/base64"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"webex-tokend/daemon/config"
	"webex-tokend/daemon/provider"
	"webex-tokend/store"
)

func TestEachDialectSendsItsOwnForm(t *testing.T) {
	table := []struct {
		name   string
		change func(*config.Integration)
		token  string
		want   url.Values // beside grant_type
		basic  string     // user:password, decoded from base64 alone
	}{
		{"rest puts the client into the body", func(*config.Integration) {}, refreshToken,
			url.Values{"refresh_token": {refreshToken}, "client_id": {"C0ffee"}, "client_secret": {clientSecret}}, ""},
		{"basic credentials are form-encoded first", func(in *config.Integration) { in.AuthStyle = config.Basic; in.ClientID = "a:b c" }, refreshToken,
			url.Values{"refresh_token": {refreshToken}}, "a%3Ab+c:canary-client-secret%2B%2F%3D"},
		{"a public client names itself in the body whatever its style", func(in *config.Integration) {
			in.Kind, in.AuthStyle, in.Secrets = config.Generic, config.Basic, nil
		}, refreshToken, url.Values{"refresh_token": {refreshToken}, "client_id": {"C0ffee"}}, ""},
		{"meetings sends redirect URI and verifier again", func(in *config.Integration) { in.Kind, in.Site = config.Meetings, "acme" }, refreshToken,
			url.Values{"refresh_token": {refreshToken}, "client_id": {"C0ffee"}, "client_secret": {clientSecret},
				"redirect_uri": {"http://127.0.0.1/oauth"}, "code_verifier": {verifier}}, ""},
		{"meetings prefixes the site on request", func(in *config.Integration) { in.Kind, in.Site, in.PrefixSite = config.Meetings, "acme", true }, refreshToken,
			url.Values{"refresh_token": {"acme_" + refreshToken}, "client_id": {"C0ffee"}, "client_secret": {clientSecret},
				"redirect_uri": {"http://127.0.0.1/oauth"}, "code_verifier": {verifier}}, ""},
		{"meetings does not prefix the site twice", func(in *config.Integration) { in.Kind, in.Site, in.PrefixSite = config.Meetings, "acme", true }, "acme_x",
			url.Values{"refresh_token": {"acme_x"}, "client_id": {"C0ffee"}, "client_secret": {clientSecret},
				"redirect_uri": {"http://127.0.0.1/oauth"}, "code_verifier": {verifier}}, ""},
		{"a refresh token survives the encoding", func(*config.Integration) {}, "a+b/c=&d é%",
			url.Values{"refresh_token": {"a+b/c=&d é%"}, "client_id": {"C0ffee"}, "client_secret": {clientSecret}}, ""},
	}
	for _, row := range table {
		t.Run(row.name, func(t *testing.T) {
			var form url.Values
			var header http.Header
			c := client(t, provider.Config{Transport: by(roundTrip(func(req *http.Request) (*http.Response, error) {
				body, _ := io.ReadAll(req.Body)
				form, _ = url.ParseQuery(string(body))
				header = req.Header
				if req.Method != http.MethodPost || req.ContentLength != int64(len(body)) {
					t.Errorf("%s with length %d of %d", req.Method, req.ContentLength, len(body))
				}
				return respond(200, nil, good)(req)
			}))})
			in := integration(t, "http://127.0.0.1/token")
			row.change(in)
			r := request()
			r.Token = store.NewSecret(row.token)
			if _, err := c.Refresh(t.Context(), in, r); err != nil {
				t.Fatal(err)
			}
			row.want.Set("grant_type", "refresh_token")
			if form.Encode() != row.want.Encode() {
				t.Errorf("form  %v\nwant %v", form, row.want)
			}
			if got := basic(header); got != row.basic {
				t.Errorf("basic credentials %q, want %q", got, row.basic)
			}
			if got := header.Get("Content-Type"); got != "application/x-www-form-urlencoded" {
				t.Errorf("content type %q", got)
			}
		})
	}
}

func basic(h http.Header) string {
	text, _ := base64.StdEncoding.DecodeString(strings.TrimPrefix(h.Get("Authorization"), "Basic "))
	return string(text)
}

func TestAStaticGrantHasNoRequest(t *testing.T) {
	in := integration(t, "http://127.0.0.1:1")
	in.Kind = config.Static
	_, err := client(t, provider.Config{}).Refresh(t.Context(), in, request())
	if f := failure(t, err); f.Kind != provider.Misconfigured || f.Sent || f.Code != "not_refreshable" {
		t.Errorf("failure %+v", *f)
	}
}

func TestAnAnswerIsReadMemberByMember(t *testing.T) {
	header := http.Header{"Date": {"Fri, 02 Jan 2026 03:04:05 GMT"}}
	c := client(t, provider.Config{Transport: by(respond(200, header, `{"access_token":"a","token_type":"bearer","refresh_token":"r",
		"expires_in":7199,"scope":"all_read meeting_modify","user_name":"kim","email":"kim@example.com","siteid":243585,"iss":"x"}`))})
	a, err := c.Refresh(t.Context(), integration(t, "http://127.0.0.1"), request())
	if err != nil {
		t.Fatal(err)
	}
	if a.Access.Reveal() != "a" || a.Refresh.Reveal() != "r" {
		t.Errorf("tokens %q, %q", a.Access.Reveal(), a.Refresh.Reveal())
	}
	a.Access, a.Refresh = store.Secret{}, store.Secret{}
	if len(a.Notes) != 0 {
		t.Errorf("notes %q on a plain answer", a.Notes)
	}
	if a.TokenType != "Bearer" || a.AccessLife != 7199*time.Second || a.RefreshLife != 0 ||
		a.Scope != "all_read meeting_modify" || a.User != "kim" || a.Email != "kim@example.com" || a.Site != "243585" ||
		!a.Date.Equal(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)) || !a.AccessEnd.IsZero() {
		t.Errorf("answer %+v", a)
	}
}

func TestAClientSecretIsReadAgainBeforeEachRequest(t *testing.T) {
	in := integration(t, "http://127.0.0.1")
	var sent string
	c := client(t, provider.Config{Transport: by(roundTrip(func(req *http.Request) (*http.Response, error) {
		sent = secretIn(req)
		return respond(200, nil, good)(req)
	}))})
	for _, secret := range []string{"first-secret", "second-secret"} {
		if err := os.WriteFile(in.Secrets[0].Path, []byte(secret), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := c.Refresh(t.Context(), in, request()); err != nil || sent != secret {
			t.Errorf("sent %q (%v), want %q", sent, err, secret)
		}
	}
}

func secretIn(req *http.Request) string {
	body, _ := io.ReadAll(req.Body)
	req.Body = http.NoBody
	form, _ := url.ParseQuery(string(body))
	return form.Get("client_secret")
}

func TestAnUnreadableClientSecretIsNoFaultOfTheGrant(t *testing.T) {
	in := integration(t, "http://127.0.0.1:1")
	in.Secrets = []config.SecretFile{{Path: filepath.Join(t.TempDir(), "absent")}}
	_, err := client(t, provider.Config{}).Refresh(t.Context(), in, request())
	f := failure(t, err)
	if f.Kind != provider.Misconfigured || f.Code != "client_secret_unreadable" || f.Sent || !strings.Contains(f.Description, "absent") {
		t.Errorf("failure %+v", *f)
	}
}

func TestANextClientSecretTakesOverWhenTheFirstIsRefused(t *testing.T) {
	const refused = `{"message":"Invalid client credentials","errors":[{"description":"The provided clientSecret is invalid"}]}`
	var tried []string
	accepted, status, body := "new-secret", 401, refused
	c := client(t, provider.Config{Transport: by(roundTrip(func(req *http.Request) (*http.Response, error) {
		secret := secretIn(req)
		tried = append(tried, secret)
		if secret == accepted {
			return respond(200, nil, good)(req)
		}
		return respond(status, nil, body)(req)
	}))})
	in := integration(t, "http://127.0.0.1")
	in.Secrets = []config.SecretFile{secretFile(t, "old-secret"), secretFile(t, "new-secret")}
	steps := []struct {
		name     string
		accepted string
		status   int
		body     string
		want     []string
		failed   bool
	}{
		{"the old one still works", "old-secret", 401, refused, []string{"old-secret"}, false},
		{"the new one is tried once the old one is refused", "new-secret", 401, refused, []string{"old-secret", "new-secret"}, false},
		{"what worked goes first", "new-secret", 401, refused, []string{"new-secret"}, false},
		{"each is tried once", "", 401, refused, []string{"new-secret", "old-secret"}, true},
		{"a dead refresh token is no reason for another try", "", 400, `{"error":"invalid_grant"}`, []string{"new-secret"}, true},
		{"neither is a 500", "", 500, `{"error":"invalid_client"}`, []string{"new-secret"}, true},
		{"nor a 401 without a reason", "", 401, ``, []string{"new-secret"}, true},
	}
	for _, step := range steps {
		tried, accepted, status, body = nil, step.accepted, step.status, step.body
		_, err := c.Refresh(t.Context(), in, request())
		if (err != nil) != step.failed || !slices.Equal(tried, step.want) {
			t.Errorf("%s: tried %q (%v), want %q", step.name, tried, err, step.want)
		}
	}
}

func TestTheExpiryOfATokenIsAsked(t *testing.T) {
	table := []struct {
		name   string
		status int
		body   string
		end    int64 // seconds; 0: a failure
		code   string
	}{
		{"in milliseconds", 200, `{"exp": 1768630439322}`, 1768630439, ""},
		{"in seconds, should that change", 200, `{"exp": 1768630439}`, 1768630439, ""},
		{"of a bot, a hundred years on", 200, `{"exp": 4922230439000}`, 4922230439, ""},
		{"without a number", 200, `{"exp": null}`, 0, "not_an_expiry"},
		{"a page", 200, `<html>`, 0, "not_an_expiry"},
		{"401 is not a verdict on the client", 401, `{"message":"The request requires a valid access token set in the Authorization request header."}`, 0, "unauthorized"},
	}
	for _, row := range table {
		t.Run(row.name, func(t *testing.T) {
			c := client(t, provider.Config{Transport: by(roundTrip(func(req *http.Request) (*http.Response, error) {
				if req.URL.Path != "/v1/authorizations/tokenExpiry" || req.Header.Get("Authorization") != "Bearer canary-access" {
					t.Errorf("asked %s as %q", req.URL, req.Header.Get("Authorization"))
				}
				return respond(row.status, nil, row.body)(req)
			}))})
			e, err := c.TokenExpiry(t.Context(), integration(t, "http://127.0.0.1"), store.NewSecret("canary-access"))
			if row.end != 0 {
				if err != nil || e.End.Unix() != row.end {
					t.Errorf("end %v (%v), want %d", e.End, err, row.end)
				}
				return
			}
			if f := failure(t, err); f.Code != row.code || f.Status != row.status || f.Kind != provider.Transient {
				t.Errorf("failure %+v", *f)
			}
		})
	}
}
