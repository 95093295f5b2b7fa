package fleet_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/go-hclog"

	"webex-tokend/daemon/config"
	"webex-tokend/daemon/configfile"
	"webex-tokend/daemon/emulator"
	"webex-tokend/daemon/emulator/lab"
	"webex-tokend/daemon/event"
	"webex-tokend/daemon/fleet"
	"webex-tokend/daemon/meter"
	"webex-tokend/daemon/provider"
	"webex-tokend/daemon/registry"
	"webex-tokend/daemon/report"
	"webex-tokend/daemon/tokenfile"
	"webex-tokend/daemon/wire"
	"webex-tokend/store"
	"webex-tokend/store/boltkv"
	"webex-tokend/store/storetest"
)

// A host is a fleet over a real store that speaks to an emulated Webex in the
// same process, so that all of it can live in a bubble of fake time.
type host struct {
	t      testing.TB
	dir    string
	webex  *emulator.Emulator
	config *config.Config
	store  *store.Store
	fleet  *fleet.Fleet
	report *report.Report
	events *event.Stream // of the fleet
	meter  *meter.Meter  // too
	// backend is below the store, and below kv.
	backend store.KV
	// kv, when set, stands between store and backend.
	kv func(store.KV) store.KV
	// memory, when set, takes the place of the backend on disk, also over restarts.
	memory *storetest.Memory
	quiet  bool // nothing is logged
	// told, when set, gets the log instead of the test's own.
	told io.Writer
	// now, when set, is the wall clock of the fleet.
	now func() time.Time
	// transport, when set, stands between fleet and emulator.
	transport func(http.RoundTripper) http.RoundTripper
}

// twoKinds declares as many grants of either kind under their patterns.
const twoKinds = `
integration "rest" {
  kind               = "rest"
  client_id          = %q
  client_secret_file = %q
  token_url          = "https://webex.test/v1/access_token"
}
integration "meetings" {
  kind               = "meetings"
  client_id          = %q
  client_secret_file = %q
  token_url          = "https://webex.test/v1/oauth2/token"
}
grant "rest-*" {
  integration = "rest"
}
grant "meetings-*" {
  integration = "meetings"
}
`

// oneByOne declares an endpoint that takes one request at a time.
const oneByOne = `
integration "slow" {
  kind               = "generic"
  client_id          = "x"
  client_secret_file = "SECRET"
  token_url          = "https://slow.test/token"
  concurrency        = 1
}
grant "slow-*" {
  integration = "slow"
}
`

// newHost starts a fleet under twoKinds and what more says.
func newHost(t testing.TB, cfg emulator.Config, more string) *host {
	h := &host{t: t, dir: ramDir(t), webex: emulator.New(cfg)}
	h.configure(more)
	h.start()
	t.Cleanup(h.stop)
	return h
}

// through runs a test in fake time with a host whose store goes through what
// around puts before the backend, once the walk of the start has ended.
func through(t *testing.T, around func(store.KV) store.KV, more string, test func(t *testing.T, h *host)) {
	synctest.Test(t, func(t *testing.T) {
		h := &host{t: t, dir: ramDir(t), webex: emulator.New(calm), kv: around}
		h.configure(more)
		h.start()
		defer h.stop()
		h.settle()
		test(t, h)
	})
}

// busy runs a test in fake time with a host that is made for a great many
// commits.
func busy(t *testing.T, more string, test func(t *testing.T, h *host)) {
	synctest.Test(t, func(t *testing.T) {
		h := &host{t: t, dir: t.TempDir(), webex: emulator.New(calm), memory: new(storetest.Memory), quiet: true}
		h.configure(more)
		h.start()
		defer h.stop()
		synctest.Wait() // for the walk of the start
		test(t, h)
	})
}

// ramDir is a temporary folder in memory where the machine has one: simulated
// years make a great many commits.
func ramDir(t testing.TB) string {
	dir, err := os.MkdirTemp("/dev/shm", "webex-tokend-test-")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// configure writes the secrets of the emulator's clients and parses a config.
func (h *host) configure(more string) {
	h.t.Helper()
	secret := func(k emulator.Kind) (id, file string) {
		file = filepath.Join(h.dir, string(k)+".secret")
		if err := os.WriteFile(file, []byte(h.webex.Client(k).Secret), 0o600); err != nil {
			h.t.Fatal(err)
		}
		return h.webex.Client(k).ID, file
	}
	restID, restFile := secret(emulator.REST)
	meetingsID, meetingsFile := secret(emulator.Meetings)
	text := fmt.Sprintf(twoKinds, restID, restFile, meetingsID, meetingsFile) + more
	text = strings.ReplaceAll(text, "SECRET", restFile)
	parsed, err := configfile.Parse([]byte(text), "test.hcl")
	if err != nil {
		h.t.Fatal(err)
	}
	h.config = parsed
}

func (h *host) start() {
	h.t.Helper()
	h.openStore()
	transport := lab.Transport(h.webex)
	if h.transport != nil {
		transport = h.transport(transport)
	}
	now := h.now
	if now == nil {
		now = time.Now
	}
	h.events, h.meter = event.NewStream(now), new(meter.Meter)
	h.fleet = fleet.New(fleet.Config{
		Events:   h.events,
		Meter:    h.meter,
		Store:    h.store,
		Config:   h.config,
		Provider: provider.New(provider.Config{Transport: func(*config.Integration) (http.RoundTripper, error) { return transport, nil }}),
		Now:      h.now,
		Spool:    filepath.Join(h.dir, "spool"),
		Log:      h.log(),
	})
	h.report = report.New(report.Config{Store: h.store, Config: h.fleet.Config, States: h.fleet.States, Trust: h.fleet.Trust, Clients: h.fleet.Circuits, Endpoints: h.fleet.Endpoints, Meter: h.meter, Now: now})
	if err := h.fleet.Start(context.Background()); err != nil {
		h.t.Fatal(err)
	}
}

func (h *host) openStore() {
	h.t.Helper()
	waist := h.open()
	h.backend = waist
	if h.kv != nil {
		waist = h.kv(waist)
	}
	var err error
	if h.store, err = store.Open(context.Background(), waist, store.Config{}); err != nil {
		h.t.Fatal(err)
	}
}

func (h *host) open() store.KV {
	if h.memory != nil {
		return lasting{h.memory}
	}
	kv, err := boltkv.Open(boltkv.Config{Path: filepath.Join(h.dir, "store.db")})
	if err != nil {
		h.t.Fatal(err)
	}
	return kv
}

// A lasting backend can be opened again after its Close.
type lasting struct{ *storetest.Memory }

func (lasting) Close() error { return nil }

func (h *host) log() hclog.Logger {
	if h.quiet {
		return hclog.NewNullLogger()
	}
	var out io.Writer = testLog{h.t}
	if h.told != nil {
		out = h.told
	}
	return hclog.New(&hclog.LoggerOptions{Level: hclog.Debug, Output: out, DisableTime: true})
}

// stop ends the fleet as the daemon does.
func (h *host) stop() {
	if h.fleet == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := h.fleet.Stop(ctx); err != nil {
		h.t.Error(err)
	}
	if err := h.store.Close(); err != nil {
		h.t.Error(err)
	}
	h.fleet = nil
}

// sweep looks for what is due and waits until it is done.
func (h *host) sweep() {
	h.t.Helper()
	h.fleet.Sweeper.Sweep(h.t.Context())
	if err := h.fleet.Sweeper.Idle(h.t.Context()); err != nil {
		h.t.Fatal(err)
	}
}

// live lets time pass with a sweep each step.
func (h *host) live(during, step time.Duration) {
	h.t.Helper()
	for end := time.Now().Add(during); time.Now().Before(end); time.Sleep(step) {
		h.sweep()
	}
	h.sweep()
}

// register imports a fresh consent of the emulator under a name.
func (h *host) register(name string, kind emulator.Kind) emulator.Issued {
	h.t.Helper()
	issued := h.webex.Issue(kind, emulator.Consent{Email: name + "@acme.example"})
	if got := h.take(name, issued.Response); got.Result != "new" {
		h.t.Fatalf("registered %s as %s", name, got.Result)
	}
	return issued
}

func (h *host) take(name string, response []byte) wire.Imported {
	h.t.Helper()
	imported, err := h.try(name, response)
	if err != nil {
		h.t.Fatal(err)
	}
	return imported
}

func (h *host) try(name string, response []byte) (wire.Imported, error) {
	h.t.Helper()
	parsed, err := tokenfile.Parse(response, "auto")
	if err != nil {
		h.t.Fatal(err)
	}
	return h.enter(name, registry.Registration{Answer: parsed.Answer, IssuedAt: parsed.IssuedAt})
}

// enter registers tokens and shows the grant as it is then.
func (h *host) enter(name string, reg registry.Registration) (wire.Imported, error) {
	h.t.Helper()
	done, err := h.fleet.Registry.Register(h.t.Context(), name, reg)
	if err != nil {
		return wire.Imported{}, err
	}
	return wire.Imported{Grant: h.grant(name), Result: done.Result, Note: done.Note}, nil
}

func (h *host) grant(name string) wire.Grant {
	h.t.Helper()
	g, err := h.report.Grant(h.t.Context(), name)
	if err != nil {
		h.t.Fatal(err)
	}
	return g
}

// stored is the record behind a grant.
func (h *host) stored(name string) *store.Record {
	h.t.Helper()
	s, err := h.store.Get(h.t.Context(), name)
	if err != nil {
		h.t.Fatal(err)
	}
	return s.Record
}

// revision changes with every write of the record.
func (h *host) revision(name string) store.Revision {
	h.t.Helper()
	s, err := h.store.Get(h.t.Context(), name)
	if err != nil {
		h.t.Fatal(err)
	}
	return s.Revision
}

// is fails unless the grant is in that state for that reason.
func (h *host) is(name string, state store.State, reason string) wire.Grant {
	h.t.Helper()
	g := h.grant(name)
	if g.State != string(state) || g.Reason != reason {
		h.t.Fatalf("%s is %s (%s), want %s (%s)", name, g.State, g.Reason, state, reason)
	}
	return g
}

// damage overwrites the record of a grant with bytes that do not open.
func (h *host) damage(name string) {
	h.t.Helper()
	row, err := h.backend.Get(h.t.Context(), name)
	if err != nil {
		h.t.Fatal(err)
	}
	entries := []store.Entry{
		{Index: store.AttentionIndex, Group: "rest/ok", Rank: 1, Name: name},
		{Index: store.DueIndex, Group: "rest", Rank: 1, Name: name},
	}
	change := store.Change{Name: name, Expect: row.Revision, Write: &store.Write{Value: []byte("\x01damaged"), Entries: entries}}
	if _, err := h.backend.Swap(h.t.Context(), change); err != nil {
		h.t.Fatal(err)
	}
}

// A readHook calls back when a record has been read, before the reader has it.
type readHook struct {
	store.KV
	mu   sync.Mutex
	call func(name string)
}

func (r *readHook) around(kv store.KV) store.KV {
	r.KV = kv
	return r
}

// set replaces the call; nil ends it.
func (r *readHook) set(call func(name string)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.call = call
}

func (r *readHook) Get(ctx context.Context, name string) (store.Row, error) {
	row, err := r.KV.Get(ctx, name)
	r.mu.Lock()
	call := r.call
	r.mu.Unlock()
	if call != nil {
		call(name)
	}
	return row, err
}

type testLog struct{ t testing.TB }

func (l testLog) Write(p []byte) (int, error) {
	l.t.Log(strings.TrimSuffix(string(p), "\n"))
	return len(p), nil
}
