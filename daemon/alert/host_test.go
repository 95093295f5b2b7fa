package alert_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/go-hclog"
	"go.uber.org/goleak"

	"webex-tokend/daemon/alert"
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
	"webex-tokend/store/storetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const day = 24 * time.Hour

// calm is a Webex that does what it is asked; the windows of fixed end whatever
// is refreshed.
var (
	calm  = emulator.Config{Calm: true}
	fixed = emulator.Config{Calm: true, Window: emulator.Fixed}
)

// twoKinds declares as many grants of REST, and static tokens, under patterns.
const twoKinds = `
integration "rest" {
  kind               = "rest"
  client_id          = %q
  client_secret_file = %q
  token_url          = "https://webex.test/v1/access_token"
}
integration "bots" {
  kind = "static"
}
grant "rest-*" {
  integration = "rest"
}
grant "bot-*" {
  integration = "bots"
}
%s
alert {
  %s
}
`

const toPager = `webhook_url = "https://pager.test/alerts"`

// A host is a keeper with its alerts over a store in memory, and a pager that
// they post to.
type host struct {
	t      testing.TB
	webex  *emulator.Emulator
	config atomic.Pointer[config.Config]
	dir    string
	memory storetest.Memory
	full   atomic.Bool  // the store refuses records
	dead   atomic.Bool  // the store refuses blobs, too
	ahead  atomic.Int64 // of the wall clock, in nanoseconds
	fleet  *fleet.Fleet
	report *report.Report
	alerts *alert.Alerts
	store  *store.Store
	meter  meter.Meter // of the keeper
	pager  pager
	// events, where there are some, come instead of the keeper's.
	events alert.Stream
	// failing are grants with files that cannot be written.
	failing atomic.Pointer[[]string]
	// hosts are those that share the store; resting: another one is in office.
	hosts   atomic.Pointer[wire.Status]
	resting atomic.Bool
	// declared are grants with a block of their own.
	declared []string
	log      strings.Builder
	ended    sync.WaitGroup
	end      context.CancelFunc
}

// inBubble runs a test in fake time with a host.
func inBubble(t *testing.T, cfg emulator.Config, test func(t *testing.T, h *host)) {
	synctest.Test(t, func(t *testing.T) {
		h := &host{t: t, webex: emulator.New(cfg), dir: t.TempDir()}
		h.configure(toPager)
		h.failing.Store(new([]string))
		h.start()
		defer h.stop()
		test(t, h)
	})
}

// configure takes the lines of an alert block.
func (h *host) configure(block string) {
	h.t.Helper()
	client := h.webex.Client(emulator.REST)
	secret := filepath.Join(h.dir, "secret")
	if err := os.WriteFile(secret, []byte(client.Secret), 0o600); err != nil {
		h.t.Fatal(err)
	}
	var declared strings.Builder
	for _, name := range h.declared {
		fmt.Fprintf(&declared, "grant %q {\n  integration = \"rest\"\n}\n", name)
	}
	parsed, err := configfile.Parse(fmt.Appendf(nil, twoKinds, client.ID, secret, declared.String(), block), "test.hcl")
	if err != nil {
		h.t.Fatal(err)
	}
	h.config.Store(parsed)
}

// A pager takes alerts as a webhook does.
type pager struct {
	mu       sync.Mutex
	away     bool
	attempts int
	messages []alert.Message
	refuses  func(alert.Message) bool // nil: none
	hold     chan struct{}            // nil: none; a message is taken when it is closed
}

func (p *pager) RoundTrip(req *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	hold := p.hold
	p.mu.Unlock()
	if hold != nil {
		<-hold
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.attempts++
	if p.away {
		return nil, errors.New("no route to host")
	}
	var m alert.Message
	if err := json.Unmarshal(body, &m); err != nil {
		return nil, err
	}
	status := http.StatusNoContent
	if p.refuses != nil && p.refuses(m) {
		status = http.StatusRequestEntityTooLarge
	} else {
		p.messages = append(p.messages, m)
	}
	return &http.Response{StatusCode: status, Body: http.NoBody, Request: req}, nil
}

func (p *pager) set(away bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.away = away
}

func (h *host) start() {
	h.t.Helper()
	var err error
	if h.store, err = store.Open(context.Background(), disk{&h.memory, &h.full, &h.dead}, store.Config{}); err != nil {
		h.t.Fatal(err)
	}
	now := func() time.Time { return time.Now().Add(time.Duration(h.ahead.Load())) }
	transport := lab.Transport(h.webex)
	stream := event.NewStream(now)
	h.fleet = fleet.New(fleet.Config{
		Events:   stream,
		Meter:    &h.meter,
		Store:    h.store,
		Config:   h.config.Load(),
		Provider: provider.New(provider.Config{Transport: func(*config.Integration) (http.RoundTripper, error) { return transport, nil }}),
		Spool:    filepath.Join(h.dir, "spool"),
		Now:      now,
	})
	if err := h.fleet.Start(context.Background()); err != nil {
		h.t.Fatal(err)
	}
	h.report = report.New(report.Config{Store: h.store, Config: h.config.Load, States: h.fleet.States, Trust: h.fleet.Trust, Clients: h.fleet.Circuits, Endpoints: h.fleet.Endpoints, Meter: &h.meter, Now: now,
		Host: func(s *wire.Status) {
			if there := h.hosts.Load(); there != nil {
				s.Hosts, s.HostsFault, s.HostsWarning = there.Hosts, there.HostsFault, there.HostsWarning
			}
		}})
	h.alerts = alert.New(alert.Config{
		Report:    h.report,
		Meter:     &h.meter,
		Store:     h.store,
		Config:    h.config.Load,
		Failing:   func() []string { return *h.failing.Load() },
		Acting:    func() bool { return !h.resting.Load() },
		Transport: &h.pager,
		Host:      "tokens-1",
		Now:       now,
		Log:       hclog.New(&hclog.LoggerOptions{Output: &h.log, DisableTime: true}),
	})
	var ctx context.Context
	ctx, h.end = context.WithCancel(context.Background())
	events := h.events
	if events == nil {
		events = stream.Subscribe(event.Latest)
	}
	h.ended.Go(func() { h.alerts.Run(ctx, events) })
	synctest.Wait()
}

func (h *host) stop() {
	h.t.Helper()
	if h.fleet == nil {
		return
	}
	h.end()
	h.ended.Wait()
	if err := h.fleet.Stop(context.Background()); err != nil {
		h.t.Error(err)
	}
	h.fleet = nil
}

func (h *host) restart() {
	h.t.Helper()
	h.stop()
	h.start()
}

// A disk can be opened again, and full.
type disk struct {
	*storetest.Memory
	full, dead *atomic.Bool
}

var errNoSpace = errors.New("no space left on device")

func (d disk) Close() error { return nil }

func (d disk) Swap(ctx context.Context, c store.Change) (store.Revision, error) {
	if d.full.Load() {
		return 0, errNoSpace
	}
	return d.Memory.Swap(ctx, c)
}

func (d disk) SwapBlob(ctx context.Context, key string, expect store.Revision, value []byte) (store.Revision, error) {
	if d.dead.Load() {
		return 0, errNoSpace
	}
	return d.Memory.SwapBlob(ctx, key, expect, value)
}

// sweep looks for what is due, and then for what is to be told.
func (h *host) sweep() {
	h.t.Helper()
	h.fleet.Sweeper.Sweep(h.t.Context())
	synctest.Wait()
	h.alerts.Look()
	synctest.Wait()
}

// live lets time pass with a sweep each step.
func (h *host) live(during, step time.Duration) {
	h.t.Helper()
	for end := time.Now().Add(during); time.Now().Before(end); time.Sleep(step) {
		h.sweep()
	}
	h.sweep()
}

// register imports a fresh consent, or a consent anew.
func (h *host) register(name string) emulator.Issued {
	h.t.Helper()
	issued := h.webex.Issue(emulator.REST, emulator.Consent{Email: name + "@acme.example"})
	h.take(name, string(issued.Response))
	return issued
}

func (h *host) take(name, response string) {
	h.t.Helper()
	parsed, err := tokenfile.Parse([]byte(response), "auto")
	if err == nil {
		_, err = h.fleet.Registry.Register(h.t.Context(), name, registry.Registration{Answer: parsed.Answer, IssuedAt: parsed.IssuedAt})
	}
	if err != nil {
		h.t.Fatal(err)
	}
	synctest.Wait()
}

// refresh asks for it at once, whatever comes of it.
func (h *host) refresh(name string) {
	_ = h.fleet.Refresher.Refresh(h.t.Context(), name)
	synctest.Wait()
}

// heard takes what the pager got since the last time, one line each: kind,
// subject and what the ID says of the stage.
func (h *host) heard() (list []string) {
	for _, m := range h.messages() {
		subject := m.Grant
		if subject == "" {
			subject = m.Integration
		}
		line := fmt.Sprintf("%s %s %s", m.Kind, subject, strings.TrimPrefix(m.ID, m.Incident+"-"))
		if m.Count > 1 {
			line += fmt.Sprintf(" %d", m.Count)
		}
		list = append(list, line)
	}
	return list
}

func (h *host) messages() []alert.Message {
	h.pager.mu.Lock()
	defer h.pager.mu.Unlock()
	list := h.pager.messages
	h.pager.messages = nil
	return list
}

// overFor takes what the pager got and counts the grants that recovered.
func (h *host) overFor(kind alert.Kind) (grants int) {
	for _, m := range h.messages() {
		if m.Kind == kind && m.Resolved {
			grants += m.Count
		}
	}
	return grants
}

// hears fails unless the pager got exactly these.
func (h *host) hears(want ...string) {
	h.t.Helper()
	h.compare(h.heard(), want)
}

func (h *host) hearsInAnyOrder(want ...string) {
	h.t.Helper()
	h.compare(slices.Sorted(slices.Values(h.heard())), slices.Sorted(slices.Values(want)))
}

func (h *host) compare(got, want []string) {
	h.t.Helper()
	if !slices.Equal(got, want) {
		h.t.Fatalf("heard\n  %s\nwant\n  %s", strings.Join(got, "\n  "), strings.Join(want, "\n  "))
	}
}
