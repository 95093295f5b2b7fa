package flow_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/hashicorp/go-hclog"

	"webex-tokend/daemon/config"
	"webex-tokend/daemon/configfile"
	"webex-tokend/daemon/emulator"
	"webex-tokend/daemon/emulator/lab"
	"webex-tokend/daemon/fleet"
	"webex-tokend/daemon/flow"
	"webex-tokend/daemon/provider"
	"webex-tokend/daemon/report"
	"webex-tokend/daemon/wire"
	"webex-tokend/store"
	"webex-tokend/store/boltkv"
)

// A host has consents over a real keeper and store, and an emulated Webex in
// the same process, so that all of it can live in a bubble of fake time.
type host struct {
	t        *testing.T
	webex    *emulator.Emulator
	fleet    *fleet.Fleet
	report   *report.Report
	consents *flow.Consents
	log      *transcript
	// between, when set, answers in the place of Webex.
	between func(req *http.Request, pass http.RoundTripper) (*http.Response, error)
	mu      sync.Mutex
	secrets []string // what no log may have
}

// declared has a grant of each kind that consents: rest, meetings, generic and
// device; MORE goes into the block of rest.
const declared = `
http { public_url = "http://127.0.0.1:8411" }
integration "rest" {
  kind               = "rest"
  client_id          = "REST_ID"
  client_secret_file = "DIR/rest.secret"
  token_url          = "https://webex.test/v1/access_token"
  scopes             = ["spark:people_read", "spark:rooms_read"]
  redirect_url       = "http://127.0.0.1:8411/oauth"
  MORE
}
integration "meetings" {
  kind               = "meetings"
  client_id          = "MEETINGS_ID"
  client_secret_file = "DIR/meetings.secret"
  token_url          = "https://webex.test/v1/oauth2/token"
  scopes             = ["all_read", "meeting_modify"]
  redirect_url       = "http://127.0.0.1:8411/oauth"
}
integration "generic" {
  kind               = "generic"
  client_id          = "REST_ID"
  client_secret_file = "DIR/rest.secret"
  authorize_url      = "https://webex.test/v1/authorize"
  token_url          = "https://webex.test/v1/access_token"
  scopes             = ["spark:rooms_read"]
  redirect_url       = "http://127.0.0.1:8411/oauth"
}
integration "device" {
  kind               = "rest"
  client_id          = "DEVICE_ID"
  client_secret_file = "DIR/device.secret"
  token_url          = "https://webex.test/v1/access_token"
  scopes             = ["spark:people_read", "spark:rooms_read"]
}
integration "silent" {
  kind               = "rest"
  client_id          = "REST_ID"
  client_secret_file = "DIR/rest.secret"
  token_url          = "https://webex.test/v1/access_token"
}
integration "deaf" {
  kind               = "meetings"
  client_id          = "MEETINGS_ID"
  client_secret_file = "DIR/meetings.secret"
  token_url          = "https://webex.test/v1/oauth2/token"
  scopes             = ["all_read"]
}
integration "elsewhere" {
  kind               = "rest"
  client_id          = "REST_ID"
  client_secret_file = "DIR/rest.secret"
  token_url          = "https://webex.test/v1/access_token"
  scopes             = ["spark:rooms_read"]
  redirect_url       = "http://127.0.0.1:6001/redirect"
}
integration "bots" { kind = "static" }
grant "ops"    { integration = "rest" }
grant "calls"  { integration = "meetings" }
grant "other"  { integration = "generic" }
grant "screen" { integration = "device" }
grant "nothing" { integration = "silent" }
grant "deaf"   { integration = "deaf" }
grant "far"    { integration = "elsewhere" }
grant "bot"    { integration = "bots" }
grant "tenant-*" { integration = "rest" }
`

func newHost(t *testing.T, webex emulator.Config, more string) *host {
	t.Helper()
	webex.Calm = true
	h := &host{t: t, webex: emulator.New(webex), log: &transcript{}}
	dir := t.TempDir()
	text := strings.ReplaceAll(strings.ReplaceAll(declared, "DIR", dir), "MORE", more)
	for _, kind := range []emulator.Kind{emulator.REST, emulator.Meetings, emulator.Device} {
		client := h.webex.Client(kind)
		if err := os.WriteFile(filepath.Join(dir, string(kind)+".secret"), []byte(client.Secret), 0o600); err != nil {
			t.Fatal(err)
		}
		h.note(client.Secret)
		text = strings.ReplaceAll(text, strings.ToUpper(string(kind))+"_ID", client.ID)
	}
	h.open(dir, text)
	return h
}

// open starts keeper and consents under a configuration.
func (h *host) open(dir, text string) {
	t := h.t
	t.Helper()
	parsed, err := configfile.Parse([]byte(text), "test.hcl")
	if err != nil {
		t.Fatal(err)
	}
	kv, err := boltkv.Open(boltkv.Config{Path: filepath.Join(dir, "store.db")})
	if err != nil {
		t.Fatal(err)
	}
	records, err := store.Open(t.Context(), kv, store.Config{})
	if err != nil {
		t.Fatal(err)
	}
	log := hclog.New(&hclog.LoggerOptions{Level: hclog.Debug, Output: h.log})
	broker := provider.New(provider.Config{Transport: func(*config.Integration) (http.RoundTripper, error) { return h, nil }})
	h.fleet = fleet.New(fleet.Config{Store: records, Config: parsed, Provider: broker, Log: log})
	if err := h.fleet.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	h.report = report.New(report.Config{Store: records, Config: func() *config.Config { return parsed }, States: h.fleet.States, Trust: h.fleet.Trust, Clients: h.fleet.Circuits, Endpoints: h.fleet.Endpoints})
	h.consents = flow.NewConsents(flow.ConsentConfig{
		Registry: h.fleet.Registry, Tokens: h.fleet.Refresher,
		Grants:    h.report,
		Provider:  broker,
		Config:    func() *config.Config { return parsed },
		PublicURL: func() string { return "http://127.0.0.1:8411" },
		Log:       log,
	})
	t.Cleanup(func() {
		h.consents.Close()
		if err := h.fleet.Stop(context.Background()); err != nil {
			t.Error(err)
		}
		if err := records.Close(); err != nil {
			t.Error(err)
		}
		h.checkLog()
	})
}

// RoundTrip is the way to Webex. It takes note of what must stay private.
func (h *host) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Body != nil {
		body, err := io.ReadAll(req.Body)
		if err != nil {
			return nil, err
		}
		req.Body = io.NopCloser(bytes.NewReader(body))
		form, _ := url.ParseQuery(string(body))
		h.note(form.Get("code"), form.Get("code_verifier"), form.Get("refresh_token"), form.Get("device_code"))
	}
	if _, token, bears := strings.Cut(req.Header.Get("Authorization"), "Bearer "); bears {
		h.note(token)
	}
	if h.between != nil {
		return h.between(req, lab.Transport(h.webex))
	}
	return lab.Transport(h.webex).RoundTrip(req)
}

func (h *host) note(secrets ...string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.secrets = append(h.secrets, secrets...)
}

// begin starts a consent that has to begin.
func (h *host) begin(grant string, o flow.Options) wire.Authorization {
	h.t.Helper()
	a, err := h.consents.Begin(h.t.Context(), grant, o)
	if err != nil {
		h.t.Fatal(err)
	}
	return a
}

// person does what a person does on the authorization page, and returns the
// query of the redirect.
func (h *host) person(a wire.Authorization, form url.Values) url.Values {
	h.t.Helper()
	req, err := http.NewRequest(http.MethodPost, a.URL, strings.NewReader(form.Encode()))
	if err != nil {
		h.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	resp, err := lab.Transport(h.webex).RoundTrip(req)
	if err != nil {
		h.t.Fatal(err)
	}
	defer resp.Body.Close()
	location, err := resp.Location()
	if err != nil {
		text, _ := io.ReadAll(resp.Body)
		h.t.Fatalf("no redirect, %s: %s", resp.Status, text)
	}
	query := location.Query()
	h.note(query.Get("code"), query.Get("state"))
	return query
}

func accept(email string, scopes ...string) url.Values {
	form := url.Values{"decision": {"accept"}, "email": {email}}
	if len(scopes) > 0 {
		form["scope"] = scopes
	}
	return form
}

// authorize goes all the way and returns how it ended.
func (h *host) authorize(grant string, o flow.Options, form url.Values) wire.Authorization {
	h.t.Helper()
	a, err := h.consents.Redirected(h.t.Context(), "/oauth", h.person(h.begin(grant, o), form))
	if err != nil {
		h.t.Fatal(err)
	}
	return a
}

// done insists on a consent that worked.
func (h *host) done(a wire.Authorization) *wire.Consented {
	h.t.Helper()
	if a.State != wire.Done || a.Outcome == nil || a.Error != "" {
		h.t.Fatalf("consent is %s: %s (%s)", a.State, a.Error, a.Advice)
	}
	return a.Outcome
}

// failed insists on one that did not.
func (h *host) failed(a wire.Authorization, why, advice string) {
	h.t.Helper()
	if a.State != wire.Failed || !strings.Contains(a.Error, why) || !strings.Contains(a.Advice, advice) || a.Outcome != nil {
		h.t.Fatalf("consent is %s: %q (%q), want %q (%q)", a.State, a.Error, a.Advice, why, advice)
	}
}

// token is the access token in force.
func (h *host) token(grant string) string {
	h.t.Helper()
	current, err := h.fleet.Refresher.Current(h.t.Context(), grant)
	if err != nil {
		h.t.Fatal(err)
	}
	return current.Access.Reveal()
}

// checkLog looks for what is private in the log, which is at debug level.
func (h *host) checkLog() {
	h.t.Helper()
	text := h.log.String()
	if !strings.Contains(text, "consent begun") {
		return // nothing was done
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, secret := range h.secrets {
		if secret != "" && strings.Contains(text, secret) {
			h.t.Errorf("the log has %q in it", secret)
		}
	}
}

// A transcript is a log in memory.
type transcript struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *transcript) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *transcript) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}
