package main

import (
	"strings"
	"testing"

	"webex-tokend/daemon/discovery"
	"webex-tokend/daemon/emulator"
)

// What the recipes for other servers show is what discover prints of those
// servers' metadata, and the daemon keeps a grant by it.
func TestTheRecipesForOtherServers(t *testing.T) {
	for _, test := range []struct {
		headline, grant, clientID string
		metadata                  discovery.Metadata
		token                     string // of the metadata, which leads to the emulator here
		scope                     string // added to what discover prints
	}{
		{"An OpenID Connect server", "sso", "C0ffee", discovery.Metadata{
			Issuer: "https://sso.acme.example", Authorize: "https://sso.acme.example/authorize", Token: "https://sso.acme.example/token",
			Revoke: "https://sso.acme.example/revoke", Scopes: []string{"openid", "offline_access"}, NamesIssuer: true,
		}, "https://sso.acme.example/token", ""},
		{"Google", "calendar", "C0ffee.apps.googleusercontent.com", discovery.Metadata{
			Issuer: "https://accounts.google.com", Authorize: "https://accounts.google.com/o/oauth2/v2/auth",
			Device: "https://oauth2.googleapis.com/device/code", Token: "https://oauth2.googleapis.com/token",
			Revoke: "https://oauth2.googleapis.com/revoke", Scopes: []string{"openid", "email", "profile"},
			Auth: []string{"client_secret_post", "client_secret_basic"}, PKCE: []string{"plain", "S256"},
		}, "https://oauth2.googleapis.com/token", `, "https://www.googleapis.com/auth/calendar.readonly"`},
	} {
		t.Run(test.headline, func(t *testing.T) {
			shown := readRecipe(t, test.headline).one(t, "hcl")
			name := nameOfIssuer(test.metadata.Issuer)
			if test.grant == "sso" {
				name = "sso" // by --name
			}
			block, warnings := discovery.Block{Name: name, ClientID: test.clientID, SecretFile: "/etc/webex-tokend/" + name + ".secret",
				RedirectURL: "http://127.0.0.1:8411/oauth"}.Write(test.metadata)
			if printed := strings.Replace(string(block), `["openid"]`, `["openid"`+test.scope+`]`, 1); !strings.HasPrefix(shown, printed) || len(warnings) > 0 {
				t.Errorf("discover prints\n%s%s\nand the recipe shows\n%s", printed, warnings, shown)
			}

			e := newEstate(t)
			client := e.webex.Client(emulator.REST)
			e.write("/etc/webex-tokend/"+name+".secret", client.Secret)
			e.declare(strings.NewReplacer(test.token, e.server.URL+emulator.TokenPath, `"`+test.clientID+`"`, `"`+client.ID+"\"\n  min_interval = \"1s\"").Replace(shown))
			e.start()
			e.register(test.grant, emulator.REST)
			before := e.output("webex-tokend", "token", test.grant)
			e.output("webex-tokend", "refresh", test.grant)
			after := e.output("webex-tokend", "token", test.grant)
			if after == before || !e.webex.ValidAccess(strings.TrimSpace(after)) {
				t.Error("a refresh brings no new token of the server")
			}
		})
	}
}
