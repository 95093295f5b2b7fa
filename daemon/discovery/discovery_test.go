package discovery_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"webex-tokend/daemon/configfile"
	"webex-tokend/daemon/discovery"
)

const base = `"issuer":"https://x.example","authorization_endpoint":"https://x.example/a","token_endpoint":"https://x.example/t"`

func TestABlockThatIsPrintedIsAConfigurationAsItStands(t *testing.T) {
	for name, row := range map[string]struct {
		metadata string
		has      []string
		warns    string
	}{
		"a server that says little":  {base, []string{`auth_style`, `"basic"`, `"S256"`}, ""},
		"an OpenID Connect server":   {base + `,"scopes_supported":["openid","offline_access","x"]`, []string{`["openid", "offline_access"]`, `prompt = "consent"`}, ""},
		"Google":                     {`"issuer":"https://accounts.google.com","authorization_endpoint":"https://x.example/a","token_endpoint":"https://x.example/t"`, []string{`access_type`, `"offline"`, `prompt`}, ""},
		"a secret in the form alone": {base + `,"token_endpoint_auth_methods_supported":["client_secret_post"]`, []string{`"body"`}, ""},
		"public clients alone":       {base + `,"token_endpoint_auth_methods_supported":["none"]`, []string{`"body"`}, ""},
		"plain PKCE":                 {base + `,"code_challenge_methods_supported":["plain"]`, []string{`"plain"`}, ""},
		"a device flow":              {base + `,"device_authorization_endpoint":"https://x.example/d","revocation_endpoint":"https://x.example/r"`, []string{"device_authorize_url", "revoke_url"}, ""},
		"no refresh tokens":          {base + `,"grant_types_supported":["authorization_code","implicit"]`, nil, "no grant type refresh_token"},
		"keys of clients":            {base + `,"token_endpoint_auth_methods_supported":["private_key_jwt"]`, nil, "private_key_jwt"},
		"an endpoint of no use":      {base + `,"revocation_endpoint":"javascript:x"`, nil, "revoke_url is left out"},
		"an expression as issuer":    {`"issuer":"https://x.example/${path.module}\n","token_endpoint":"https://x.example/t?a=\"${1}\""`, nil, "only import"},
	} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path != "/.well-known/openid-configuration" {
					http.NotFound(w, r)
					return
				}
				_, _ = io.WriteString(w, "{"+row.metadata+"}")
			}))
			defer server.Close()
			m, err := discovery.Fetch(t.Context(), nil, server.URL)
			if err != nil {
				t.Fatal(err)
			}
			dir := t.TempDir()
			secret := filepath.Join(dir, "secret")
			text, warnings := discovery.Block{Name: "x", ClientID: "c", SecretFile: secret, RedirectURL: "http://127.0.0.1:8411/oauth"}.Write(m)
			for _, want := range row.has {
				if !strings.Contains(string(text), want) {
					t.Errorf("no %s in\n%s", want, text)
				}
			}
			if !strings.Contains(strings.Join(warnings, "\n"), row.warns) || row.warns == "" && len(warnings) > 0 {
				t.Errorf("warnings %q", warnings)
			}
			path := filepath.Join(dir, "config.hcl")
			for file, text := range map[string]string{secret: "s", path: string(text) + "\nstate_dir = \"" + dir + "/s\"\nruntime_dir = \"" + dir + "/r\"\n"} {
				if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			if _, err := configfile.Load(path, configfile.Options{}); err != nil {
				t.Errorf("%v in\n%s", err, text)
			}
		})
	}
}

func TestMetadataIsFoundWhereTheStandardsPutIt(t *testing.T) {
	for _, place := range []string{"/realms/acme/.well-known/openid-configuration", "/.well-known/openid-configuration/realms/acme", "/.well-known/oauth-authorization-server/realms/acme"} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path != place {
				http.NotFound(w, r)
				return
			}
			_, _ = io.WriteString(w, "{"+base+"}")
		}))
		for _, issuer := range []string{"/realms/acme", "/realms/acme/", place} {
			if m, err := discovery.Fetch(t.Context(), nil, server.URL+issuer); err != nil || m.Token == "" {
				t.Errorf("%s of %s: %v", place, issuer, err)
			}
		}
		server.Close()
	}
	for _, issuer := range []string{"", "x", "ftp://x", "https://"} {
		if _, err := discovery.Fetch(t.Context(), nil, issuer); err == nil {
			t.Errorf("%q is taken", issuer)
		}
	}
}
