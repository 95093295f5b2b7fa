package emulator_test

import (
	"encoding/base64"
	"encoding/json"
	"regexp"
	"strings"
	"testing"

	"webex-tokend/daemon/emulator"
)

func TestOpaqueTokensHaveTheThreePartsOfWebex(t *testing.T) {
	form := regexp.MustCompile(`^[A-Za-z0-9]+_PF84_[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)
	for _, test := range []struct{ asked, size int }{{0, 98}, {98, 98}, {99, 106}, {770, 770}, {4000, 4002}} {
		e := emulator.New(emulator.Config{Calm: true, AccessSize: test.asked})
		issued := e.Issue(emulator.REST, emulator.Consent{})
		want(t, "length of the access token", len(issued.AccessToken), test.size)
		want(t, "length of the refresh token", len(issued.RefreshToken), 98)
		for _, token := range []string{issued.AccessToken, issued.RefreshToken} {
			if !form.MatchString(token) {
				t.Errorf("token has another form: %s", token)
			}
			want(t, "organisation", strings.HasSuffix(token, "_"+e.OrgID("acme.example")), true)
		}
		want(t, "access token works", e.ValidAccess(issued.AccessToken), true)
		want(t, "refresh token is no access token", e.ValidAccess(issued.RefreshToken), false)
	}
}

func TestJSONWebTokensTellTheirExpiry(t *testing.T) {
	e := emulator.New(emulator.Config{Calm: true, JWT: true})
	issued := e.Issue(emulator.REST, emulator.Consent{})
	if size := len(issued.AccessToken); size < 1500 || size > 2000 {
		t.Errorf("token has %d bytes, want those of a real one", size)
	}
	parts := strings.Split(issued.AccessToken, ".")
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		t.Fatal(err)
	}
	var claims struct {
		Expiry int64  `json:"expiry_time"`
		Realm  string `json:"realm"`
		Client string `json:"client_id"`
	}
	if err := json.Unmarshal(payload, &claims); err != nil {
		t.Fatal(err)
	}
	status, _ := e.Grant(issued.Grant)
	want(t, "expiry_time", claims.Expiry, status.AccessEnd.UnixMilli())
	want(t, "realm", claims.Realm, e.OrgID("acme.example"))
	want(t, "client_id", claims.Client, e.Client(emulator.REST).ID)
	want(t, "it works", get(t, e, emulator.MePath, issued.AccessToken).status, 200)
	forged := parts[0] + "." + parts[1] + "." + strings.Repeat("A", len(parts[2]))
	want(t, "with another signature", get(t, e, emulator.MePath, forged).status, 401)
}

func TestNoTwoTokensAreAlike(t *testing.T) {
	e := emulator.New(emulator.Config{Calm: true, Rotate: true})
	seen := map[string]bool{}
	for range 50 {
		issued := e.Issue(emulator.REST, emulator.Consent{})
		tokens := []string{issued.AccessToken, issued.RefreshToken}
		for range 3 {
			got := refresh(t, e, emulator.REST, tokens[len(tokens)-1])
			tokens = append(tokens, got.text("access_token"), got.text("refresh_token"))
		}
		for _, token := range tokens {
			if token == "" || seen[token] {
				t.Fatalf("token %q came twice", token)
			}
			seen[token] = true
			want(t, "grant of the token", e.Find(token), issued.Grant)
		}
	}
	want(t, "grant of a foreign token", e.Find("Zm9v_PF84_"), 0)
}
