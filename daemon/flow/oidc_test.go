package flow_test

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"webex-tokend/daemon/flow"
	"webex-tokend/daemon/wire"
)

// independent is a grant under an OAuth server that is not ours.
const independent = `
integration "idp" {
  kind                 = "generic"
  client_id            = "tokend"
  client_secret_file   = "DIR/idp.secret"
  authorize_url        = "ISSUER/auth"
  token_url            = "ISSUER/token"
  device_authorize_url = "ISSUER/device/auth"
  device_token_url     = "ISSUER/token"
  revoke_url           = "ISSUER/token/revocation"
  issuer               = "ISSUER"
  scopes               = ["openid"]
  redirect_url         = "http://127.0.0.1:8411/oauth"
}
grant "ops"    { integration = "idp" }
grant "screen" { integration = "idp" }
`

// startOIDC runs oidc-provider of npm, which it installs into a temporary
// folder, and returns its issuer. Where that cannot be done the test is skipped.
func startOIDC(t *testing.T, arguments ...string) string {
	t.Helper()
	for _, program := range []string{"node", "npm"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("no independent server: %v", err)
		}
	}
	dir := t.TempDir()
	script, err := os.ReadFile("testdata/oidc/server.mjs")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "server.mjs"), script, 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	install := exec.CommandContext(ctx, "npm", "install", "--prefix", dir, "--no-audit", "--no-fund", "--silent", "oidc-provider@9")
	if said, err := install.CombinedOutput(); err != nil {
		t.Skipf("no independent server: npm install oidc-provider: %v: %s", err, said)
	}
	server := exec.Command("node", append([]string{"server.mjs"}, arguments...)...)
	server.Dir = dir
	stdin, err := server.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := server.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = stdin.Close()
		_ = server.Wait()
	})
	for lines := bufio.NewScanner(stdout); lines.Scan(); {
		if strings.HasPrefix(lines.Text(), "http://") {
			return lines.Text()
		}
	}
	t.Fatal("the independent server did not start")
	return ""
}

var (
	formAction = regexp.MustCompile(`<form[^>]* action="([^"]+)"`)
	hidden     = regexp.MustCompile(`<input type="hidden" name="([^"]+)" value="([^"]*)"`)
)

// surf does what a person does in a browser: it follows redirects, signs in and
// agrees to whatever is asked, until it is sent to the redirect URL or there is
// no form left. It returns the query of that URL.
func surf(t *testing.T, link string) url.Values {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	browser := &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := browser.Get(link)
	for range 20 {
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if next, absent := resp.Location(); absent == nil {
			if next.Host == "127.0.0.1:8411" {
				return next.Query()
			}
			resp, err = browser.Get(next.String())
			continue
		}
		action := formAction.FindSubmatch(body)
		if action == nil {
			return nil
		}
		to, parseErr := resp.Request.URL.Parse(string(action[1]))
		if parseErr != nil {
			t.Fatal(parseErr)
		}
		form := url.Values{"login": {"alex"}, "password": {"any"}}
		for _, input := range hidden.FindAllSubmatch(body, -1) {
			form.Set(string(input[1]), string(input[2]))
		}
		resp, err = browser.PostForm(to.String(), form)
	}
	t.Fatal("the browser goes round in circles")
	return nil
}

func TestTheFlowsWorkWithAnIndependentServer(t *testing.T) {
	issuer := startOIDC(t)
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "idp.secret"), []byte("canary-client-secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	h := &host{t: t, log: &transcript{}}
	h.note("canary-client-secret")
	h.between = func(req *http.Request, _ http.RoundTripper) (*http.Response, error) {
		return http.DefaultTransport.RoundTrip(req)
	}
	h.open(dir, strings.NewReplacer("ISSUER", issuer, "DIR", dir).Replace(independent))

	begun := h.begin("ops", flow.Options{})
	query := surf(t, begun.URL)
	if query.Get("iss") != issuer {
		t.Errorf("the server names %q as issuer", query.Get("iss"))
	}
	a, err := h.consents.Redirected(t.Context(), "/oauth", query)
	if err != nil {
		t.Fatal(err)
	}
	if out := h.done(a); len(out.Missing) != 0 {
		t.Errorf("outcome %+v", out)
	}
	first := h.token("ops")
	for range 50 { // all but the first one with a rotated refresh token
		if err := h.fleet.Refresher.Refresh(t.Context(), "ops"); err != nil {
			t.Fatal(err)
		}
	}
	if h.token("ops") == first {
		t.Error("the token was not renewed")
	}
	if out, err := h.fleet.Registry.Revoke(t.Context(), "ops"); err != nil || out.Result != "revoked" {
		t.Errorf("revocation %+v, %v", out, err)
	}

	device := h.begin("screen", flow.Options{Device: true})
	surf(t, device.URLComplete)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for h.now(device.ID).State == wire.Waiting {
		select {
		case <-ctx.Done():
			t.Fatal("the device flow has no end")
		case <-time.After(100 * time.Millisecond):
		}
	}
	h.done(h.now(device.ID))
}

// As its own settings have it, the server gives a refresh token only to whoever
// asks for offline_access and has the person asked again.
func TestAServerWithItsOwnSettingsGivesARefreshTokenForTheHintedParameters(t *testing.T) {
	issuer := startOIDC(t, "default")
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "idp.secret"), []byte("canary-client-secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct{ settings, hint string }{
		{`scopes = ["openid", "offline_access"]`, `authorize_params = { prompt = "consent" }`},
		{"scopes = [\"openid\", \"offline_access\"]\n  authorize_params = { prompt = \"consent\" }", ""},
	} {
		h := &host{t: t, log: &transcript{}}
		h.between = func(req *http.Request, _ http.RoundTripper) (*http.Response, error) {
			return http.DefaultTransport.RoundTrip(req)
		}
		text := strings.Replace(independent, `scopes               = ["openid"]`, row.settings, 1)
		h.open(dir, strings.NewReplacer("ISSUER", issuer, "DIR", dir).Replace(text))
		a, err := h.consents.Redirected(t.Context(), "/oauth", surf(t, h.begin("ops", flow.Options{}).URL))
		if err != nil {
			t.Fatal(err)
		}
		if row.hint != "" {
			h.failed(a, "no refresh token", row.hint)
			dir2 := t.TempDir()
			if err := os.Rename(filepath.Join(dir, "idp.secret"), filepath.Join(dir2, "idp.secret")); err != nil {
				t.Fatal(err)
			}
			dir = dir2
			continue
		}
		h.done(a)
		for range 5 {
			if err := h.fleet.Refresher.Refresh(t.Context(), "ops"); err != nil {
				t.Fatal(err)
			}
		}
	}
}
