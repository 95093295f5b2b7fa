package emulator_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"webex-tokend/daemon/emulator"
)

func TestAnAPIRouteTellsADeadTokenFromOneThatLacksAScope(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := emulator.New(emulator.Config{Calm: true})
		rooms := e.Issue(emulator.REST, emulator.Consent{Scopes: []string{"spark:rooms_read"}})
		people := e.Issue(emulator.REST, emulator.Consent{Scopes: []string{"spark:people_read"}})
		all := e.Issue(emulator.REST, emulator.Consent{Scopes: []string{"spark:all"}})
		check := func(token string, me, list, expiry int) {
			t.Helper()
			want(t, "people/me", get(t, e, emulator.MePath, token).status, me)
			want(t, "rooms", get(t, e, emulator.RoomsPath, token).status, list)
			want(t, "tokenExpiry", get(t, e, emulator.ExpiryPath, token).status, expiry)
		}
		check(rooms.AccessToken, 403, 200, 200)
		check(people.AccessToken, 200, 403, 200)
		check(all.AccessToken, 200, 200, 200)
		if text := get(t, e, emulator.MePath, rooms.AccessToken).description(); !strings.Contains(text, "spark:people_read or ") {
			t.Errorf("a refusal does not name the scope: %q", text)
		}
		check("nonsense", 401, 401, 401)
		check("", 401, 401, 401)
		time.Sleep(14*day - time.Millisecond)
		check(all.AccessToken, 200, 200, 200)
		time.Sleep(time.Millisecond)
		check(all.AccessToken, 401, 401, 401)

		refused := get(t, e, emulator.MePath, all.AccessToken)
		want(t, "description", refused.description(), "The request requires a valid access token set in the Authorization request header.")
		want(t, "trackingId", refused.text("trackingId"), refused.header.Get("Trackingid"))
	})
}

func TestTokenExpiryIsInMilliseconds(t *testing.T) {
	e := emulator.New(emulator.Config{Calm: true})
	issued := e.Issue(emulator.Meetings, emulator.Consent{})
	status, _ := e.Grant(issued.Grant)
	want(t, "exp", int64(get(t, e, emulator.ExpiryPath, issued.AccessToken).number("exp")), status.AccessEnd.UnixMilli())
}

// application asks for the first token of the service app.
func application(t *testing.T, e *emulator.Emulator, bearer, path, body string) reply {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, base+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+bearer)
	r.Header.Set("Content-Type", "application/json")
	return send(t, inProcess(e), r)
}

func TestAServiceAppGetsItsFirstTokenThroughAManager(t *testing.T) {
	e := emulator.New(emulator.Config{Calm: true})
	app := e.Client(emulator.ServiceApp)
	manager := e.Issue(emulator.REST, emulator.Consent{Scopes: []string{"spark:applications_token"}}).AccessToken
	stranger := e.Issue(emulator.REST, emulator.Consent{}).AccessToken
	path := strings.Replace(emulator.ApplicationPath, "{id}", app.ApplicationID, 1)
	elsewhere := strings.Replace(emulator.ApplicationPath, "{id}", "nobody", 1)
	body := func(secret, org string) string {
		return `{"clientId":"` + app.ID + `","clientSecret":"` + secret + `","targetOrgId":"` + org + `"}`
	}
	org := e.OrgID("acme.example")
	for _, test := range []struct {
		name, bearer, path, body string
		status                   int
	}{
		{"no manager", "", path, body(app.Secret, org), 401},
		{"a manager without the scope", stranger, path, body(app.Secret, org), 403},
		{"a wrong secret", manager, path, body("x", org), 401},
		{"an unknown application", manager, elsewhere, body(app.Secret, org), 404},
		{"an organisation that did not authorize it", manager, path, body(app.Secret, e.OrgID("other.example")), 403},
		{"no JSON", manager, path, "clientId=x", 400},
	} {
		want(t, test.name, application(t, e, test.bearer, test.path, test.body).status, test.status)
	}
	got := application(t, e, manager, path, body(app.Secret, org))
	want(t, "status", got.status, 200)
	want(t, "refresh_token_expires_in", got.number("refresh_token_expires_in"), 7776000)
	want(t, "refresh", refresh(t, e, emulator.ServiceApp, got.text("refresh_token")).status, 200)
	want(t, "people/me", get(t, e, emulator.MePath, got.text("access_token")).status, 403)
}

func TestRevocationEndsATokenAndSaysNothing(t *testing.T) {
	e := emulator.New(emulator.Config{Calm: true})
	revoke := func(k emulator.Kind, token string) int {
		return post(t, e, emulator.RevokePath, clientForm(e, k, url.Values{"token": {token}})).status
	}
	issued := e.Issue(emulator.REST, emulator.Consent{})
	want(t, "by another client", revoke(emulator.Device, issued.RefreshToken), 200)
	want(t, "it works still", e.Valid(issued.RefreshToken), true)
	want(t, "an access token", revoke(emulator.REST, issued.AccessToken), 200)
	want(t, "it is dead", e.ValidAccess(issued.AccessToken), false)
	next := refresh(t, e, emulator.REST, issued.RefreshToken)
	want(t, "refresh", next.status, 200)
	want(t, "a refresh token", revoke(emulator.REST, issued.RefreshToken), 200)
	want(t, "it is dead", e.Valid(issued.RefreshToken), false)
	want(t, "its access token is dead", e.ValidAccess(next.text("access_token")), false)
	want(t, "an unknown one", revoke(emulator.REST, "nonsense"), 200)
	stranger := url.Values{"client_id": {"C0"}, "token": {issued.RefreshToken}}
	want(t, "by nobody", post(t, e, emulator.RevokePath, stranger).status, 400)
}

func TestDiscoveryNamesTheEndpoints(t *testing.T) {
	e := emulator.New(emulator.Config{PublicURL: "https://idp.test"})
	got := get(t, e, emulator.DiscoveryPath, "")
	want(t, "token endpoint", got.text("token_endpoint"), "https://idp.test/v1/access_token")
	want(t, "issuer", got.text("issuer"), "https://idp.test/idb")
	byHost := get(t, emulator.New(emulator.Config{}), "/.well-known/openid-configuration", "")
	want(t, "token endpoint by host", byHost.text("token_endpoint"), base+"/v1/access_token")
}
