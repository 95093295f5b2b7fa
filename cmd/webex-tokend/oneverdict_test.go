package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"webex-tokend/daemon/acl"
	"webex-tokend/daemon/alert"
	"webex-tokend/daemon/api"
	"webex-tokend/daemon/client"
	"webex-tokend/daemon/config"
	"webex-tokend/daemon/configfile"
	"webex-tokend/daemon/emulator"
	"webex-tokend/daemon/emulator/lab"
	"webex-tokend/daemon/event"
	"webex-tokend/daemon/fleet"
	"webex-tokend/daemon/meter"
	"webex-tokend/daemon/metrics"
	"webex-tokend/daemon/provider"
	"webex-tokend/daemon/report"
	"webex-tokend/daemon/socket"
	"webex-tokend/daemon/verdict"
	"webex-tokend/daemon/web"
	"webex-tokend/daemon/wire"
	"webex-tokend/store"
	"webex-tokend/store/storetest"
)

// A standing is one grant of the table: how it is brought about, and what every
// place has to say of it.
type standing struct {
	name   string // its integration is what stands before the dash
	days   int    // until its window ends; 0: not known
	change func(r *store.Record, now time.Time)
	level  verdict.Level
	// untold stands beside warnings of which nobody is alerted: somebody paused it,
	// or the daemon is about to find out.
	untold bool
}

func standings() []standing {
	well := func(*store.Record, time.Time) {}
	fails := func(times uint64) func(*store.Record, time.Time) {
		return func(r *store.Record, now time.Time) {
			r.Failures, r.FailingSince, r.Reason = times, now, "unreachable"
			r.LastError = &store.LastError{At: now, Code: "unreachable"}
		}
	}
	observed := func(moved time.Duration) func(*store.Record, time.Time) {
		return func(r *store.Record, now time.Time) {
			r.Observations = []store.Observation{{At: now.Add(-2 * day), EndsAt: r.Refresh.EndsAt.Add(-moved), SameRefresh: true},
				{At: now, EndsAt: r.Refresh.EndsAt, SameRefresh: true}}
		}
	}
	slides, fixed := observed(2*day), observed(0)
	both := func(list ...func(*store.Record, time.Time)) func(*store.Record, time.Time) {
		return func(r *store.Record, now time.Time) {
			for _, change := range list {
				change(r, now)
			}
		}
	}
	paused := func(r *store.Record, now time.Time) { r.PausedSince = now }
	expired := func(r *store.Record, now time.Time) { r.Token.ExpiresAt = now.Add(-time.Hour) }
	static := func(left time.Duration) func(*store.Record, time.Time) {
		return func(r *store.Record, now time.Time) {
			r.Kind, r.Refresh, r.Token.ExpiresAt, r.DueAt = "static", store.RefreshToken{}, now.Add(left), now.Add(left)
		}
	}
	const critical, warning, working, fine = verdict.Critical, verdict.Warning, verdict.Working, verdict.Fine
	return []standing{
		{"rest-2d", 2, well, critical, false},
		{"rest-10d", 10, well, warning, false},
		{"rest-30d", 30, well, fine, false},
		{"rest-ended", -1, well, critical, false},
		{"rest-endless", 0, well, fine, false},
		{"rest-fixed-2d", 2, fixed, critical, false},
		{"rest-fixed-10d", 10, fixed, warning, false},
		{"rest-slides-2d", 2, slides, fine, false},
		{"rest-slides-fails", 2, both(slides, fails(1)), critical, false},
		{"rest-slides-paused", 10, both(slides, paused), warning, false},
		{"rest-fails", 60, fails(1), working, false},
		{"rest-fails-often", 60, fails(3), warning, false},
		{"rest-rejected", 60, both(fails(1), func(r *store.Record, now time.Time) { r.Rejection.Count, r.Rejection.First = 1, now }), critical, false},
		{"rest-reauthorize", 60, func(r *store.Record, now time.Time) { r.ReauthorizeSince, r.Reason = now, "refresh_token_rejected" }, critical, false},
		{"rest-unverified", 60, func(r *store.Record, now time.Time) { r.UnverifiedSince = now }, critical, false},
		{"rest-unknown", 60, func(r *store.Record, now time.Time) { r.UnknownSince, r.Failures = now, 1 }, warning, true},
		{"rest-paused", 60, paused, warning, true},
		{"rest-dead", 60, expired, critical, false},
		{"rest-dead-fails", 60, both(fails(1), expired), critical, false},
		{"rest-dead-paused", 60, both(paused, expired), critical, false},
		{"rest-late", 60, func(r *store.Record, now time.Time) { r.DueAt = now.Add(-6 * time.Minute) }, critical, false},
		{"rest-outputs", 60, well, warning, false},
		{"rest-damaged", 60, well, critical, false},
		{"slow-flying", 60, expired, critical, false},
		{"refused-1", 60, well, critical, false},
		{"refused-2", 60, well, critical, false},
		{"desk-2d", 2, well, fine, false},
		{"desk-dead", 60, expired, critical, false},
		{"bots-30d", 0, static(30 * day), fine, false},
		{"bots-10d", 0, static(10 * day), warning, false},
		{"bots-2d", 0, static(2 * day), critical, false},
		{"old", 0, nil, warning, false},   // declared two hours ago
		{"young", 0, nil, working, false}, // and just now
	}
}

// A townhall is a fleet of which all places of the daemon show the same.
type townhall struct {
	t      *testing.T
	ahead  atomic.Int64 // of the wall clock, as the fleet has it
	webex  *emulator.Emulator
	memory *storetest.Memory
	full   atomic.Bool // the store refuses records
	store  *store.Store
	fleet  *fleet.Fleet
	report *report.Report
	meter  *meter.Meter
	config atomic.Pointer[config.Config]
	socket string
	doors  *web.Server
	// land ends the refresh of slow-flying.
	land      func()
	refreshed sync.WaitGroup
}

// A disk can be full.
type disk struct {
	*storetest.Memory
	full *atomic.Bool
}

func (d disk) Swap(ctx context.Context, c store.Change) (store.Revision, error) {
	if d.full.Load() {
		return 0, errors.New("no space left on device")
	}
	return d.Memory.Swap(ctx, c)
}

func (h *townhall) now() time.Time { return time.Now().Add(time.Duration(h.ahead.Load())) }

func (h *townhall) failing() []string { return []string{"rest-outputs"} }

// configure declares what the table has, and young grants beside it.
func (h *townhall) configure(address string, more string) {
	h.t.Helper()
	secret := filepath.Join(h.t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte(h.webex.Client(emulator.REST).Secret), 0o600); err != nil {
		h.t.Fatal(err)
	}
	text := fmt.Sprintf("http { listen = %q }\nintegration \"bots\" { kind = \"static\" }\n", address)
	for name, id := range map[string]string{"rest": "Crest", "slow": h.webex.Client(emulator.REST).ID, "refused": "Cnobody"} {
		text += fmt.Sprintf("integration %q {\n kind = \"rest\"\n client_id = %q\n client_secret_file = %q\n token_url = \"https://webex.test/v1/access_token\"\n}\n", name, id, secret)
	}
	text += fmt.Sprintf("integration \"desk\" {\n kind = \"service-app\"\n client_id = \"Cdesk\"\n client_secret_file = %q\n token_url = \"https://webex.test/v1/access_token\"\n application_id = \"app\"\n target_org_id = \"org\"\n manager = \"rest-30d\"\n}\n", secret)
	for pattern, integration := range map[string]string{"rest-*": "rest", "slow-*": "slow", "refused-*": "refused", "bots-*": "bots", "desk-*": "desk", "old": "rest"} {
		text += fmt.Sprintf("grant %q { integration = %q }\n", pattern, integration)
	}
	parsed, err := configfile.Parse([]byte(text+more), "test.hcl")
	if err != nil {
		h.t.Fatal(err)
	}
	h.config.Store(parsed)
}

// assemble brings about the table.
func assemble(t *testing.T) *townhall {
	h := &townhall{t: t, webex: emulator.New(emulator.Config{Calm: true}), memory: new(storetest.Memory), meter: new(meter.Meter)}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	h.configure(listener.Addr().String(), "")
	h.ahead.Store(int64(-2 * time.Hour))
	if h.store, err = store.Open(t.Context(), disk{h.memory, &h.full}, store.Config{}); err != nil {
		t.Fatal(err)
	}
	stream, transport := event.NewStream(h.now), lab.Transport(h.webex)
	h.fleet = fleet.New(fleet.Config{Events: stream, Meter: h.meter, Store: h.store, Config: h.config.Load(), Now: h.now, Spool: filepath.Join(t.TempDir(), "spool"),
		Provider: provider.New(provider.Config{Transport: func(*config.Integration) (http.RoundTripper, error) { return transport, nil }})})
	if err := h.fleet.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		h.full.Store(false)
		if err := h.fleet.Stop(context.Background()); err != nil {
			t.Error(err)
		}
	})
	h.ahead.Store(0)
	h.configure(listener.Addr().String(), "grant \"young\" { integration = \"rest\" }\n")
	if err := h.fleet.Reconfigure(t.Context(), h.config.Load()); err != nil {
		t.Fatal(err)
	}
	h.report = report.New(report.Config{Store: h.store, Config: h.config.Load, States: h.fleet.States, Trust: h.fleet.Trust, Clients: h.fleet.Circuits, Endpoints: h.fleet.Endpoints,
		Meter: h.meter, Now: h.now, Failing: h.failing, Outputs: func(name string) []wire.Output {
			if slices.Contains(h.failing(), name) {
				return []wire.Output{{Type: "file", Target: "/run/token", State: "failed"}}
			}
			return nil
		}})
	h.populate()
	h.serve(listener, stream)
	return h
}

func (h *townhall) populate() {
	h.t.Helper()
	now := time.Now().UTC().Truncate(time.Millisecond)
	for _, s := range standings() {
		if s.change == nil {
			continue
		}
		integration, _, _ := strings.Cut(s.name, "-")
		r := &store.Record{Name: s.name, Integration: integration, Kind: "rest", Generation: 1, DueAt: now.Add(time.Hour),
			Token:   store.Token{Access: store.NewSecret("a"), IssuedAt: now.Add(-day), ExpiresAt: now.Add(7 * day)},
			Refresh: store.RefreshToken{Value: store.NewSecret("r" + s.name), FirstSeen: now.Add(-day)}}
		if s.days != 0 {
			r.Refresh.EndsAt = now.Add(time.Duration(s.days) * day)
		}
		if integration == "desk" {
			r.Kind = "service-app"
		}
		s.change(r, now)
		if _, err := h.store.Put(h.t.Context(), store.Update{Record: r, Expect: store.Absent}); err != nil {
			h.t.Fatal(err)
		}
	}
	row, err := h.memory.Get(h.t.Context(), "rest-damaged")
	if err != nil {
		h.t.Fatal(err)
	}
	entries := []store.Entry{{Index: store.AttentionIndex, Group: "rest/ok", Rank: 1, Name: "rest-damaged"}}
	if _, err := h.memory.Swap(h.t.Context(), store.Change{Name: "rest-damaged", Expect: row.Revision, Write: &store.Write{Value: []byte("damaged"), Entries: entries}}); err != nil {
		h.t.Fatal(err)
	}
	_ = h.fleet.Refresher.Refresh(h.t.Context(), "refused-1") // whose client nobody knows
	flying, landed := make(chan struct{}), make(chan struct{})
	h.land = sync.OnceFunc(func() { close(landed) })
	h.webex.Script(lab.Hold(flying, landed))
	h.refreshed.Go(func() { _ = h.fleet.Refresher.Refresh(h.t.Context(), "slow-flying") })
	h.t.Cleanup(h.refreshed.Wait)
	h.t.Cleanup(h.land)
	<-flying
}

// serve answers on the socket, and browsers.
func (h *townhall) serve(listener net.Listener, stream *event.Stream) {
	h.t.Helper()
	h.socket = filepath.Join(h.t.TempDir(), "api.sock")
	door, err := socket.Listen(h.t.Context(), h.socket, 0o600, "")
	if err != nil {
		h.t.Fatal(err)
	}
	server := api.New(api.Config{Report: h.report, Now: h.now, Events: func(after uint64) api.Stream { return stream.Subscribe(after) }})
	if h.doors, err = web.New(web.Config{Report: h.report, Config: h.config.Load, Now: h.now}); err != nil {
		h.t.Fatal(err)
	}
	var serving sync.WaitGroup
	serving.Go(func() { _ = server.Serve(door) })
	serving.Go(func() { _ = h.doors.Serve(listener) })
	h.t.Cleanup(func() {
		_, _ = server.Shutdown(context.Background()), h.doors.Shutdown(context.Background())
		serving.Wait()
	})
}

// command runs the program itself.
func (h *townhall) command(args ...string) (out string, code int) {
	h.t.Helper()
	var stdout, stderr bytes.Buffer
	code = run(h.t.Context(), append(args, "--socket", h.socket), strings.NewReader(""), &stdout, &stderr)
	if stderr.Len() > 0 {
		h.t.Errorf("%v says %s", args, stderr.String())
	}
	return stdout.String(), code
}

// A grant whose window ended in two days was an unmarked ok below paused ones,
// CRITICAL in check, red on the page and absent from both headlines.
func TestAGrantHasOneVerdictWhereverItIsShown(t *testing.T) {
	h := assemble(t)
	want, counts := make(map[string]verdict.Level), make(map[verdict.Level]int)
	for _, s := range standings() {
		want[s.name] = s.level
		counts[s.level]++
	}
	compare := func(place string, got map[string]verdict.Level) {
		t.Helper()
		for name, level := range want {
			if got[name] != level {
				t.Errorf("%s: %s is %q, want %s", place, name, got[name], level)
			}
		}
		if len(got) != len(want) {
			t.Errorf("%s: %d grants of %d: %v", place, len(got), len(want), slices.Sorted(maps.Keys(got)))
		}
	}
	list := h.list()
	compare("the API", levelsOf(list))
	for i, g := range list {
		if i > 0 && verdict.Level(list[i-1].Level).Rank() < verdict.Level(g.Level).Rank() {
			t.Errorf("%s (%s) comes before %s (%s)", list[i-1].Name, list[i-1].Level, g.Name, g.Level)
		}
		if verdict.Level(g.Level).Rank() > verdict.Working.Rank() && g.Action == "" {
			t.Errorf("%s is %s, and no command helps", g.Name, g.Level)
		}
	}
	compare("check", h.checked())

	screen, _ := h.command("status")
	compare("status", markedIn(screen, list))
	if now, soon := fmt.Sprintf("; %d need attention now; ", counts[verdict.Critical]), fmt.Sprintf("; %d need attention soon", counts[verdict.Warning]); !strings.Contains(screen, now+strings.TrimPrefix(soon, "; ")) {
		t.Errorf("the headline is %s, want %s%s", strings.SplitN(screen, "\n", 2)[0], now, soon)
	}
	compare("the page", h.toned(list, fmt.Sprintf("%d grants need attention", counts[verdict.Critical])))
	compare("the forecast", h.foreseen())
	h.measured(counts)

	told := h.told()
	for _, s := range standings() {
		expected := s.level
		if s.untold || s.level.Rank() < verdict.Warning.Rank() {
			expected = ""
		}
		if told[s.name] != expected {
			t.Errorf("alerts: of %s is told %q, want %q", s.name, told[s.name], expected)
		}
	}

	// The answer that is on its way comes to a full disk: it is in memory alone.
	h.full.Store(true)
	h.land()
	for len(h.fleet.Trust.Held()) == 0 || h.fleet.Trust.Error() == "" {
		time.Sleep(time.Millisecond)
	}
	list = h.list()
	screen, _ = h.command("status")
	compare("the API, with an answer in memory", levelsOf(list))
	compare("status, with an answer in memory", markedIn(screen, list))
	compare("the page, with an answer in memory", h.toned(list, "The store refuses to be written"))
	if out, code := h.command("check", "slow-flying"); code != int(severityCritical) || !strings.Contains(out, "slow-flying unpersisted") {
		t.Errorf("check exits with %d: %s", code, out)
	}
}

func levelsOf(list []wire.Grant) map[string]verdict.Level {
	levels := make(map[string]verdict.Level)
	for _, g := range list {
		levels[g.Name] = verdict.Level(g.Level)
	}
	return levels
}

func (h *townhall) list() (list []wire.Grant) {
	h.t.Helper()
	daemon := client.New(client.Config{Socket: h.socket})
	defer daemon.Close()
	for g, err := range daemon.AllGrants(h.t.Context(), client.Query{Limit: 7}) {
		if err != nil {
			h.t.Fatal(err)
		}
		list = append(list, g)
	}
	return list
}

// checked are the levels by the exit codes of check; less than a warning is 0.
func (h *townhall) checked() map[string]verdict.Level {
	h.t.Helper()
	levels := make(map[string]verdict.Level)
	for _, s := range standings() {
		out, code := h.command("check", s.name)
		switch code {
		case int(severityCritical):
			levels[s.name] = verdict.Critical
		case int(severityWarning):
			levels[s.name] = verdict.Warning
		case int(severityOK):
			if levels[s.name] = verdict.Fine; s.level == verdict.Working {
				levels[s.name] = verdict.Working
			}
		default:
			h.t.Errorf("check %s: %s", s.name, out)
		}
	}
	if out, code := h.command("check"); code != int(severityCritical) {
		h.t.Errorf("check exits with %d: %s", code, out)
	}
	return levels
}

// markedIn are the levels by the marks of a table.
func markedIn(screen string, list []wire.Grant) map[string]verdict.Level {
	levels := make(map[string]verdict.Level)
	for _, line := range strings.Split(screen, "\n") {
		fields := strings.Fields(strings.TrimLeft(line, "!*~- "))
		if len(fields) == 0 || !slices.ContainsFunc(list, func(g wire.Grant) bool { return g.Name == fields[0] }) {
			continue
		}
		levels[fields[0]] = map[byte]verdict.Level{'!': verdict.Critical, '*': verdict.Warning, '-': verdict.Warning, '~': verdict.Working, ' ': verdict.Fine}[line[0]]
	}
	return levels
}

// toned are the levels by the colours of the page, of which one stands for two.
func (h *townhall) toned(list []wire.Grant, head string) map[string]verdict.Level {
	h.t.Helper()
	page := browse(h.t, h.doors.Open(acl.Peer{})).read("/ui/")
	if !strings.Contains(page, "<h1>"+head+"</h1>") {
		h.t.Errorf("the page does not begin with: %s", head)
	}
	is := levelsOf(list)
	levels := make(map[string]verdict.Level)
	for _, found := range regexp.MustCompile(`<tr class="([a-z]+)">\s*<td class="name"><a href="/ui/grants/([^"]+)">`).FindAllStringSubmatch(page, -1) {
		level := map[string]verdict.Level{"good": verdict.Fine, "bad": verdict.Critical, "rest": verdict.Warning, "busy": verdict.Warning}[found[1]]
		if found[1] == "busy" && is[found[2]] == verdict.Working {
			level = verdict.Working
		}
		levels[found[2]] = level
	}
	// A state is as urgent as the most urgent grant in it: some that are ok need
	// somebody.
	if !regexp.MustCompile(`class="sign bad"[^\n]*</svg>ok <b>`).MatchString(page) {
		h.t.Error("the page shows ok as if nobody were needed")
	}
	return levels
}

func (h *townhall) foreseen() map[string]verdict.Level {
	h.t.Helper()
	f, err := h.report.Forecast(h.t.Context(), nil, report.Outage{From: h.now(), For: time.Minute, Until: h.now().Add(day)})
	if err != nil {
		h.t.Fatal(err)
	}
	var drawn bytes.Buffer
	if err := drawForecast(&drawn, screen{}, f); err != nil {
		h.t.Fatal(err)
	}
	marks := markedIn(drawn.String(), h.list())
	levels := make(map[string]verdict.Level)
	for _, p := range f.Grants {
		levels[p.Grant] = verdict.Level(p.Level)
		if mark, shown := marks[p.Grant]; shown && mark != levels[p.Grant] {
			h.t.Errorf("the forecast marks %s as %s, and it is %s", p.Grant, mark, p.Level)
		}
	}
	return levels
}

// measured compares what Prometheus gets, and what somebody does who may see all of
// the grants by their names, since those are counted one by one.
func (h *townhall) measured(counts map[verdict.Level]int) {
	h.t.Helper()
	sum, err := h.report.Status(h.t.Context(), func(string) bool { return true })
	if err != nil {
		h.t.Fatal(err)
	}
	for _, level := range verdict.Levels() {
		if n := sum.Levels[string(level)]; n != counts[level] {
			h.t.Errorf("one by one there are %d of level %s, want %d", n, level, counts[level])
		}
	}
	w := httptest.NewRecorder()
	metrics.New(metrics.Config{Report: h.report, Failing: h.failing, Now: h.now}).Handler(nil).ServeHTTP(w, httptest.NewRequestWithContext(h.t.Context(), "GET", "/metrics", nil))
	for _, level := range verdict.Levels() {
		if line := fmt.Sprintf("webex_tokend_grants_by_level{level=%q} %d\n", level, counts[level]); !strings.Contains(w.Body.String(), line) {
			h.t.Errorf("metrics do not have %s", line)
		}
	}
}

// A lookout tells when a look at the troubles was begun.
type lookout struct {
	*report.Report
	now   func() time.Time
	begun chan time.Time
}

func (l lookout) Trouble() report.Trouble {
	l.begun <- l.now()
	return l.Report.Trouble()
}

// A webhook takes alerts.
type webhook chan alert.Message

func (w webhook) RoundTrip(r *http.Request) (*http.Response, error) {
	var m alert.Message
	if err := json.NewDecoder(r.Body).Decode(&m); err != nil {
		return nil, err
	}
	w <- m
	return &http.Response{StatusCode: http.StatusNoContent, Body: http.NoBody, Request: r}, nil
}

// told are the highest severities of what alerts tell of each grant, once all is
// told. Of what concerns many the grants are found as a reader would.
func (h *townhall) told() map[string]verdict.Level {
	h.t.Helper()
	told := make(map[string]verdict.Level)
	note := func(name string, severity string) {
		if verdict.Level(severity).Rank() > told[name].Rank() {
			told[name] = verdict.Level(severity)
		}
	}
	for _, m := range h.alerts() {
		switch m.Kind {
		case alert.Client:
			for _, s := range standings() {
				if strings.HasPrefix(s.name, m.Integration+"-") {
					note(s.name, m.Severity)
				}
			}
		case alert.Overdue:
			if m.Count != 1 {
				h.t.Errorf("told of %d overdue", m.Count)
			}
			note("rest-late", m.Severity)
		default:
			for _, name := range m.Grants {
				note(name, m.Severity)
			}
		}
	}
	return told
}

// alerts watch for eight minutes of a clock that is quicker.
func (h *townhall) alerts() (list []alert.Message) {
	h.t.Helper()
	cfg := *h.config.Load()
	cfg.Alert.WebhookURL = "https://pager.test/"
	seen, received := lookout{h.report, h.now, make(chan time.Time, 1000)}, make(webhook, 1000)
	alerts := alert.New(alert.Config{Report: seen, Meter: h.meter, Store: h.store, Config: func() *config.Config { return &cfg },
		Failing: h.failing, Now: h.now, Host: "host", Transport: received})
	ctx, cancel := context.WithCancel(h.t.Context())
	var watching sync.WaitGroup
	watching.Go(func() { alerts.Run(ctx, event.NewStream(nil).Subscribe(event.Latest)) })
	for range 16 {
		asked := h.now()
		h.meter.Swept(asked, 1)
		alerts.Look()
		for begun := range seen.begun {
			if !begun.Before(asked) {
				break
			}
		}
		h.ahead.Add(int64(30 * time.Second))
	}
	for waiting := true; waiting; {
		select {
		case m := <-received:
			list = append(list, m)
		case <-time.After(20 * time.Millisecond): // nothing tells that all is told
			waiting = !slices.ContainsFunc(alerts.Figures(), func(f alert.Figures) bool {
				return f.Way == "webhook" && f.Waiting == 0 && int(f.Told) == len(list)
			})
			alerts.Look()
		}
	}
	cancel()
	watching.Wait()
	return list
}
