package api_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
	"go.uber.org/goleak"

	"webex-tokend/daemon/acl"
	"webex-tokend/daemon/api"
	"webex-tokend/daemon/client"
	"webex-tokend/daemon/config"
	"webex-tokend/daemon/configfile"
	"webex-tokend/daemon/event"
	"webex-tokend/daemon/fleet"
	"webex-tokend/daemon/flow"
	"webex-tokend/daemon/provider"
	"webex-tokend/daemon/report"
	unixsocket "webex-tokend/daemon/socket"
	"webex-tokend/daemon/wire"
	"webex-tokend/store"
	"webex-tokend/store/boltkv"
	"webex-tokend/store/seal"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// stranger is a user that no machine has. Rules in these tests name it.
const stranger = 41_414

// A host is a server with a real keeper and store behind it.
type host struct {
	fleet  *fleet.Fleet
	server *api.Server
	socket string
	log    *record
	rules  atomic.Pointer[acl.Rules]
}

// begin serves grants "ops" and "crm", whose token endpoint is away, and any
// "bot-" with a token that is never refreshed. Change adjusts the server.
func begin(t testing.TB, change ...func(*api.Config)) *host {
	t.Helper()
	return beginAt(t, "http://127.0.0.1:1/token", change...)
}

// beginAt is begin with a token endpoint at that address.
func beginAt(t testing.TB, tokenURL string, change ...func(*api.Config)) *host {
	t.Helper()
	cfg, err := configfile.Parse([]byte(`
integration "rest" {
  kind          = "generic"
  client_id     = "C1"
  token_url     = "`+tokenURL+`"
}
integration "bots" { kind = "static" }
grant "ops" { integration = "rest" }
grant "crm" { integration = "rest" }
grant "bot-*" { integration = "bots" }
`), "test.hcl")
	if err != nil {
		t.Fatal(err)
	}
	kv, err := boltkv.Open(boltkv.Config{Path: filepath.Join(t.TempDir(), "store.db")})
	if err != nil {
		t.Fatal(err)
	}
	ring, err := seal.Open(t.Context(), kv, seal.NewKey())
	if err != nil {
		t.Fatal(err)
	}
	records, err := store.Open(t.Context(), kv, store.Config{Seal: ring})
	if err != nil {
		t.Fatal(err)
	}
	broker := provider.New(provider.Config{})
	stream := event.NewStream(nil)
	k := fleet.New(fleet.Config{Events: stream, Store: records, Config: cfg, Provider: broker})
	shown := report.New(report.Config{Store: records, Config: func() *config.Config { return cfg }, States: k.States, Trust: k.Trust, Clients: k.Circuits, Endpoints: k.Endpoints})
	consents := flow.NewConsents(flow.ConsentConfig{Registry: k.Registry, Tokens: k.Refresher, Grants: shown, Provider: broker, Config: func() *config.Config { return cfg }})
	t.Cleanup(consents.Close)
	if err := k.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := k.Stop(context.Background()); err != nil {
			t.Error(err)
		}
		if err := records.Close(); err != nil {
			t.Error(err)
		}
	})
	h := &host{fleet: k, log: &record{}}
	h.rules.Store(acl.New(acl.Config{}))
	serving := api.Config{
		Grants:   api.Grants{Registry: k.Registry, Refresher: k.Refresher, Sweeper: k.Sweeper},
		Report:   shown,
		Consents: consents,
		Events:   func(after uint64) api.Stream { return stream.Subscribe(after) },
		Rules:    h.rules.Load,
		Reload:   func(context.Context) error { return nil },
		Sealed: api.Sealed{
			Backup: func(context.Context) (io.ReadCloser, int64, error) {
				return io.NopCloser(strings.NewReader("backup")), 6, nil
			},
			Rotate: func(_ context.Context, tell func(wire.Rotation) error) error { return tell(wire.Rotation{Done: true}) },
			Keys:   oneKey{},
		},
		Log: hclog.New(&hclog.LoggerOptions{Output: h.log, Level: hclog.Debug}),
	}
	for _, f := range change {
		f(&serving)
	}
	h.server, h.socket = serve(t, serving)
	return h
}

// oneKey are the wrapping keys of a store that has one.
type oneKey struct{}

func (oneKey) RecoveryKey(context.Context) (wire.RecoveryKey, error) {
	return wire.RecoveryKey{ID: "1"}, nil
}

func (oneKey) KeySlots(context.Context) (wire.KeySlots, error) {
	return wire.KeySlots{Slots: []wire.KeySlot{{ID: "1"}}}, nil
}

func (oneKey) ForgetKey(context.Context, string) (wire.KeySlots, error) { return wire.KeySlots{}, nil }

// serve listens where every user may connect.
func serve(t testing.TB, cfg api.Config) (*api.Server, string) {
	t.Helper()
	socket := filepath.Join(openFolder(t), "api.sock")
	listener, err := unixsocket.Listen(t.Context(), socket, 0o666, "")
	if err != nil {
		t.Fatal(err)
	}
	server := api.New(cfg)
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
	return server, socket
}

// openFolder is a folder with a short name that other users may pass through.
func openFolder(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "api")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o711); err != nil {
		t.Fatal(err)
	}
	return dir
}

// as returns an HTTP client that connects as that user, which takes root.
func (h *host) as(t testing.TB, uid int) *http.Client {
	t.Helper()
	if uid != os.Geteuid() && os.Geteuid() != 0 {
		t.Skip("connecting as another user takes root")
	}
	transport := &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) {
		return dialAs(h.socket, uid)
	}}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

// dialAs lends one thread the identity of another user. The thread is not
// given back to the runtime unless it has its own identity again.
func dialAs(socket string, uid int) (net.Conn, error) {
	if uid == os.Geteuid() {
		return net.Dial("unix", socket)
	}
	runtime.LockOSThread()
	own := os.Geteuid()
	become := func(uid int) error {
		// Not syscall.Setreuid, which changes every thread.
		if _, _, errno := syscall.RawSyscall(syscall.SYS_SETRESUID, ^uintptr(0), uintptr(uid), ^uintptr(0)); errno != 0 {
			return errno
		}
		return nil
	}
	if err := become(uid); err != nil {
		runtime.UnlockOSThread()
		return nil, err
	}
	conn, err := net.Dial("unix", socket)
	if err := become(own); err != nil {
		panic(err)
	}
	runtime.UnlockOSThread()
	return conn, err
}

// client is the Go client as this process's user.
func (h *host) client(t testing.TB) *client.Client {
	c := client.New(client.Config{Socket: h.socket})
	t.Cleanup(c.Close)
	return c
}

// ask sends a request without a body and returns status and body.
func ask(t testing.TB, c *http.Client, method, path string) (int, string) {
	t.Helper()
	resp := send(t, c, method, path, "")
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(body)
}

func send(t testing.TB, c *http.Client, method, path, body string) *http.Response {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, "http://host"+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	resp, err := c.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	return resp
}

// response is what a token endpoint would have answered.
func response(access, refresh string) string {
	body, _ := json.Marshal(map[string]any{
		"access_token": access, "expires_in": 1_209_599, "token_type": "Bearer", "scope": "spark:all",
		"refresh_token": refresh, "refresh_token_expires_in": 7_776_000,
	})
	return string(body)
}

// register imports tokens for a grant through the client.
func (h *host) register(t testing.TB, name, access string) {
	t.Helper()
	content := response(access, "refresh-of-"+access)
	if _, err := h.client(t).Import(t.Context(), name, client.Import{Content: strings.NewReader(content)}); err != nil {
		t.Fatal(err)
	}
}

// allow names the stranger in one block.
func (h *host) allow(actions []acl.Action, grants ...string) {
	users := []string{fmt.Sprint(stranger)}
	h.rules.Store(acl.New(acl.Config{Blocks: []acl.Block{{Users: users, Actions: actions, Grants: grants}}}))
}

// A record keeps what was logged.
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
