package web_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
	"go.uber.org/goleak"

	"webex-tokend/daemon/acl"
	"webex-tokend/daemon/config"
	"webex-tokend/daemon/configfile"
	"webex-tokend/daemon/emulator"
	"webex-tokend/daemon/event"
	"webex-tokend/daemon/fleet"
	"webex-tokend/daemon/flow"
	"webex-tokend/daemon/provider"
	"webex-tokend/daemon/report"
	"webex-tokend/daemon/web"
	"webex-tokend/daemon/wire"
	"webex-tokend/store"
	"webex-tokend/store/boltkv"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// somebody is a user that no machine has. Rules in these tests name it.
const somebody = 41_414

// A host is a daemon's pages on loopback with a real keeper and an emulated
// Webex behind them.
type host struct {
	url      string
	webex    *emulator.Emulator
	fleet    *fleet.Fleet
	report   *report.Report
	consents *flow.Consents
	server   *web.Server
	rules    acl.Config
	log      *record
	now      func() time.Time
}

// begin serves the grants "ops" and "crm", to which Webex consents, and "bot",
// for which there is no consent.
func begin(t testing.TB) *host {
	t.Helper()
	return beginWith(t, "", wire.Status{})
}

// beginWith adds blocks to the configuration, and what is known of other hosts.
func beginWith(t testing.TB, blocks string, others wire.Status) *host {
	t.Helper()
	listener := listen(t)
	h := &host{url: "http://" + listener.Addr().String(), log: &record{}, now: time.Now}
	h.webex = emulator.New(emulator.Config{Calm: true, RedirectURIs: []string{h.url + "/oauth"}})
	webex := httptest.NewServer(h.webex)
	t.Cleanup(webex.Close)
	client := h.webex.Client(emulator.REST)
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte(client.Secret), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg := parse(t, listener, fmt.Sprintf(`
integration "crm" {
  kind               = "rest"
  client_id          = %q
  client_secret_file = %q
  token_url          = "%[3]s/v1/access_token"
  revoke_url         = "%[3]s/idb/oauth2/v1/revoke"
  redirect_url       = "%[4]s/oauth"
  scopes             = ["spark:people_read", "spark:rooms_read"]
}
integration "bots" { kind = "static" }
grant "ops" {
  integration = "crm"
  labels      = { team = "operations" }
}
grant "crm" { integration = "crm" }
grant "bot" { integration = "bots" }
`+blocks, client.ID, secret, webex.URL, h.url))
	kv, err := boltkv.Open(boltkv.Config{Path: filepath.Join(t.TempDir(), "store.db")})
	if err != nil {
		t.Fatal(err)
	}
	records, err := store.Open(t.Context(), kv, store.Config{})
	if err != nil {
		t.Fatal(err)
	}
	log := hclog.New(&hclog.LoggerOptions{Output: h.log, Level: hclog.Trace})
	client2 := provider.New(provider.Config{})
	stream := event.NewStream(nil)
	h.fleet = fleet.New(fleet.Config{Events: stream, Store: records, Config: cfg, Provider: client2, Log: log.Named("keeper")})
	if err := h.fleet.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	h.report = report.New(report.Config{Store: records, Config: func() *config.Config { return cfg }, States: h.fleet.States, Trust: h.fleet.Trust, Clients: h.fleet.Circuits, Endpoints: h.fleet.Endpoints,
		Host: func(s *wire.Status) {
			s.Hosts, s.HostsFault, s.HostsWarning = others.Hosts, others.HostsFault, others.HostsWarning
		}})
	h.consents = flow.NewConsents(flow.ConsentConfig{
		Registry: h.fleet.Registry, Tokens: h.fleet.Refresher, Grants: h.report, Provider: client2, Log: log.Named("flow"), Now: func() time.Time { return h.now() },
		Config:    func() *config.Config { return cfg },
		PublicURL: func() string { return cfg.HTTP.PublicURL },
	})
	t.Cleanup(func() {
		h.consents.Close()
		if err := h.fleet.Stop(context.Background()); err != nil {
			t.Error(err)
		}
		client2.Close()
		if err := records.Close(); err != nil {
			t.Error(err)
		}
	})
	h.server = serve(t, listener, web.Config{
		Report:   h.report,
		Consents: h.consents,
		Config:   func() *config.Config { return cfg },
		Events:   func() web.Stream { return stream.Subscribe(event.Latest) },
		Rules:    func() *acl.Rules { return acl.New(h.rules) },
		Now:      func() time.Time { return h.now() },
		Log:      log.Named("web"),
	})
	return h
}

func listen(t testing.TB) net.Listener {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return listener
}

// parse adds the http block of a listener.
func parse(t testing.TB, listener net.Listener, source string) *config.Config {
	t.Helper()
	cfg, err := configfile.Parse(fmt.Appendf(nil, "%s\nhttp {\nlisten = %q\n}\n", source, listener.Addr()), "test.hcl")
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}

func serve(t testing.TB, listener net.Listener, cfg web.Config) *web.Server {
	t.Helper()
	server, err := web.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	var served sync.WaitGroup
	served.Go(func() {
		if err := server.Serve(listener); err != nil {
			t.Errorf("serve: %v", err)
		}
	})
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := server.Shutdown(ctx); err != nil {
			t.Errorf("shut down: %v", err)
		}
		served.Wait()
	})
	return server
}

// A visitor is an HTTP client with cookies that follows no redirect.
type visitor struct {
	t      testing.TB
	client *http.Client
	base   string
}

func (h *host) stranger(t testing.TB) *visitor {
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	return &visitor{t, &http.Client{Transport: transport, Jar: jar,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}, h.url}
}

// as is a visitor who came in by the URL that a user of the socket got.
func (h *host) as(t testing.TB, uid uint32) *visitor {
	v := h.stranger(t)
	door := h.server.Open(acl.Peer{UID: uid, GID: uid})
	if a := v.enter(door.URL); a.status != http.StatusSeeOther {
		t.Fatalf("the door does not open: %d\n%s", a.status, a.body)
	}
	return v
}

// enter opens a sign-in link and presses the button of its page.
func (v *visitor) enter(door string) answer {
	v.t.Helper()
	return v.post(door, v.get(door).form())
}

// An answer is what a visitor got.
type answer struct {
	status int
	header http.Header
	body   string
}

func (v *visitor) get(path string) answer { return v.do(http.MethodGet, path, nil) }

func (v *visitor) post(path string, form url.Values) answer { return v.do(http.MethodPost, path, form) }

func (v *visitor) do(method, path string, form url.Values, change ...func(*http.Request)) answer {
	v.t.Helper()
	target := path
	if strings.HasPrefix(path, "/") {
		target = v.base + path
	}
	r, err := http.NewRequestWithContext(v.t.Context(), method, target, strings.NewReader(form.Encode()))
	if err != nil {
		v.t.Fatal(err)
	}
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for _, f := range change {
		f(r)
	}
	resp, err := v.client.Do(r)
	if err != nil {
		v.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		v.t.Fatal(err)
	}
	return answer{resp.StatusCode, resp.Header, string(body)}
}

var formValue = regexp.MustCompile(`name="form" value="([^"]+)"`)

// form takes the token of a page's forms.
func (a answer) form() url.Values {
	found := formValue.FindStringSubmatch(a.body)
	if found == nil {
		return url.Values{}
	}
	return url.Values{"form": {found[1]}}
}

func (a answer) location() string { return a.header.Get("Location") }

// A record is a log that tests can read.
type record struct {
	mu   sync.Mutex
	text strings.Builder
}

func (r *record) Write(b []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text.Write(b)
}

func (r *record) String() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text.String()
}
