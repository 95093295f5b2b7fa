package metrics_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"

	"webex-tokend/daemon/event"
	"webex-tokend/daemon/meter"
	"webex-tokend/daemon/metrics"
	"webex-tokend/daemon/report"
	"webex-tokend/daemon/wire"
)

var now = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// A fleet answers as a keeper with its grants would.
type fleet struct {
	grants []wire.Grant
	err    error
}

func (f fleet) Status(_ context.Context, view report.View) (wire.Status, error) {
	swept := now.Add(-time.Second)
	sum := wire.Status{States: map[string]int{}, Horizon: &wire.WindowEnd{Grant: "ops", At: now.Add(time.Hour)},
		Keeper: wire.Keeper{LastSweepAt: &swept, StoreLatencySeconds: 0.004, ClockSkewSeconds: -2, Overdue: 1}}
	for _, g := range f.grants {
		if view == nil || view(g.Name) {
			sum.Grants++
			sum.States[g.State]++
		}
	}
	return sum, f.err
}

func (f fleet) Grants(_ context.Context, q report.Query) (page wire.Grants, err error) {
	for _, g := range f.grants {
		if (q.View == nil || q.View(g.Name)) && len(page.Grants) < q.Limit {
			page.Grants = append(page.Grants, g)
		}
	}
	return page, nil
}

// measured has two requests in flight, ten answers and twenty commits.
func measured() *meter.Meter {
	m := new(meter.Meter)
	for range 12 {
		m.Requested()
	}
	for range 10 {
		m.Answered(300 * time.Millisecond)
	}
	m.Limited(time.Minute)
	for range 20 {
		m.Committed(4 * time.Millisecond)
	}
	return m
}

func grants(n int) fleet {
	var f fleet
	window, token := now.Add(48*time.Hour), now.Add(-time.Minute)
	for i := range n {
		f.grants = append(f.grants, wire.Grant{Name: fmt.Sprintf("ops-%d", i), Integration: "crm", Kind: "rest", State: "ok",
			WindowEndsAt: &window, AccessExpiresAt: &token, Failures: uint64(i)})
	}
	return f
}

// happened delivers its events, then ends.
type happened []event.Event

func (h *happened) Next(context.Context) ([]event.Event, error) {
	list := *h
	*h = nil
	if list == nil {
		return nil, event.ErrEnded
	}
	return list, nil
}

func (*happened) Close() {}

func scrape(t *testing.T, m *metrics.Metrics, view report.View) string {
	t.Helper()
	w := httptest.NewRecorder()
	m.Handler(view).ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), "GET", "/metrics", nil))
	if w.Code != 200 {
		t.Fatalf("answered %d: %s", w.Code, w.Body)
	}
	return w.Body.String()
}

func of(f fleet) *metrics.Metrics {
	return metrics.New(metrics.Config{Report: f, Meter: measured(), Version: "1.2", Failing: func() []string { return []string{"ops-0", "ops-1"} },
		Deliveries: func() []metrics.Delivery {
			return []metrics.Delivery{{Way: "log", Told: 9}, {Way: "webhook", Told: 7, Failed: 3, Waiting: 2}}
		},
		Now: func() time.Time { return now }})
}

func TestWhatAnOperatorAsksIsThere(t *testing.T) {
	m := of(grants(2))
	m.Run(t.Context(), &happened{{Kind: event.Refreshed}, {Kind: event.Changed}, {Kind: event.Refreshed}, {Kind: event.Failed}})
	text := scrape(t, m, nil)
	for _, want := range []string{
		`webex_tokend_grants{state="ok"} 2`,
		`webex_tokend_grants{state="reauthorize"} 0`,
		`webex_tokend_grant_window_remaining_seconds{grant="ops-1",integration="crm",kind="rest"} 172800`,
		`webex_tokend_grant_token_remaining_seconds{grant="ops-0",integration="crm",kind="rest"} -60`,
		`webex_tokend_grant_failures{grant="ops-1",integration="crm",kind="rest"} 1`,
		`webex_tokend_refreshes_total{outcome="refreshed"} 2`,
		`webex_tokend_refreshes_total{outcome="failed"} 1`,
		`webex_tokend_refreshes_in_flight 2`,
		`webex_tokend_refresh_duration_seconds_sum 3`,
		`webex_tokend_refresh_duration_seconds_count 10`,
		`webex_tokend_rate_limits_total 1`,
		`webex_tokend_rate_limit_wait_seconds_total 60`,
		`webex_tokend_store_commit_duration_seconds_count 20`,
		`webex_tokend_store_readable 1`,
		`webex_tokend_publish_failing_grants 2`,
		`webex_tokend_alerts_told_total{way="log"} 9`,
		`webex_tokend_alert_failures_total{way="webhook"} 3`,
		`webex_tokend_alerts_waiting{way="webhook"} 2`,
		`webex_tokend_refreshes_overdue 1`,
		`webex_tokend_clock_skew_seconds -2`,
		`webex_tokend_last_sweep_timestamp_seconds 1.795348799e+09`,
		`webex_tokend_horizon_timestamp_seconds 1.7953524e+09`,
	} {
		if !strings.Contains(text, want+"\n") {
			t.Errorf("%s is not in\n%s", want, text)
		}
	}
	if !strings.Contains(text, `version="1.2"} 1`) {
		t.Error("the build is not told")
	}
}

func TestACallerLearnsNothingOfGrantsOutsideItsView(t *testing.T) {
	text := scrape(t, of(grants(3)), func(name string) bool { return name == "ops-1" })
	if strings.Contains(text, `"ops-0"`) || strings.Contains(text, `"ops-2"`) || !strings.Contains(text, `"ops-1"`) {
		t.Errorf("it sees\n%s", text)
	}
	for _, want := range []string{`webex_tokend_grants{state="ok"} 1`, "webex_tokend_publish_failing_grants 1"} {
		if !strings.Contains(text, want+"\n") {
			t.Errorf("%s is not in\n%s", want, text)
		}
	}
}

func TestTheNumberOfSeriesDoesNotFollowTheFleet(t *testing.T) {
	text := scrape(t, of(grants(1500)), nil)
	if n := strings.Count(text, "\nwebex_tokend_grant_window_remaining_seconds{"); n != 1000 {
		t.Errorf("%d grants have series", n)
	}
}

func TestAStoreThatCannotBeReadIsTold(t *testing.T) {
	text := scrape(t, of(fleet{err: errors.New("closed")}), nil)
	if !strings.Contains(text, "webex_tokend_store_readable 0\n") || strings.Contains(text, "webex_tokend_grants{") {
		t.Errorf("it says\n%s", text)
	}
}

func TestNamesAndUnitsFollowTheConventions(t *testing.T) {
	text := scrape(t, of(grants(1)), nil)
	problems, err := promlint.New(strings.NewReader(text)).Lint()
	if err != nil || len(problems) > 0 {
		t.Errorf("%v, %v", problems, err)
	}
	if bad, _ := promlint.New(strings.NewReader("# TYPE x counter\nx 1\n")).Lint(); len(bad) == 0 {
		t.Error("the linter finds nothing at all")
	}
	promtool, err := exec.LookPath("promtool")
	if err != nil {
		t.Skip("promtool is not installed")
	}
	cmd := exec.CommandContext(t.Context(), promtool, "check", "metrics")
	cmd.Stdin = strings.NewReader(text)
	if said, err := cmd.CombinedOutput(); err != nil || len(bytes.TrimSpace(said)) > 0 {
		t.Errorf("promtool says %s (%v)", said, err)
	}
}

func TestATextfileIsWrittenWhole(t *testing.T) {
	path := filepath.Join(t.TempDir(), "webex-tokend.prom")
	if err := of(grants(1)).WriteFile(t.Context(), path); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil || !bytes.Contains(text, []byte("webex_tokend_store_readable 1\n")) {
		t.Errorf("%v, it holds\n%s", err, text)
	}
	if others, _ := os.ReadDir(filepath.Dir(path)); len(others) != 1 {
		t.Errorf("beside it stand %q", others)
	}
}

// The other user of the folder puts a link in place of whatever appears there.
func TestATextfileInAFolderOfAnotherUserOpensNoFileOfOurs(t *testing.T) {
	dir, ours := t.TempDir(), filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(ours, []byte("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	swap := func() {
		found, _ := os.ReadDir(dir)
		for _, e := range found {
			if e.Type().IsRegular() && os.Remove(filepath.Join(dir, e.Name())) == nil {
				_ = os.Symlink(ours, filepath.Join(dir, e.Name()))
			}
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	var other sync.WaitGroup
	other.Go(func() {
		for ctx.Err() == nil {
			swap()
		}
	})
	m := of(grants(1))
	for range 300 {
		_ = m.WriteFile(t.Context(), filepath.Join(dir, "webex-tokend.prom"))
	}
	cancel()
	other.Wait()
	info, err := os.Stat(ours)
	if err != nil {
		t.Fatal(err)
	}
	if text, _ := os.ReadFile(ours); info.Mode() != 0o600 || string(text) != "secret" {
		t.Errorf("it has mode %v and holds %q", info.Mode(), text)
	}
}
