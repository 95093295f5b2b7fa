package main

import (
	"context"
	"encoding/json"
	"net/http/httptest"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"

	"webex-tokend/daemon/config"
	"webex-tokend/daemon/configfile"
	"webex-tokend/daemon/fleet"
	"webex-tokend/daemon/metrics"
	"webex-tokend/daemon/report"
	"webex-tokend/daemon/wire"
	"webex-tokend/store"
	"webex-tokend/store/storetest"
)

func TestEachAlertRuleHasACaseInWhichItRings(t *testing.T) {
	rules, err := os.ReadFile("monitoring/alerts.yml")
	if err != nil {
		t.Fatal(err)
	}
	cases, err := os.ReadFile("monitoring/alerts_test.yml")
	if err != nil {
		t.Fatal(err)
	}
	names := regexp.MustCompile(`- alert: (\w+)`).FindAllSubmatch(rules, -1)
	if len(names) < 10 {
		t.Fatalf("%d rules", len(names))
	}
	for _, name := range names {
		if !regexp.MustCompile(`alertname: ` + string(name[1]) + `\n\s+exp_alerts:\n`).Match(cases) {
			t.Errorf("no case lets %s ring", name[1])
		}
	}
}

// The rules on windows rang for one that slides and has a day left each day.
func TestAlertRulesRingWhenTheyShould(t *testing.T) {
	promtool, err := exec.LookPath("promtool")
	if err != nil {
		t.Skip("promtool is not installed")
	}
	cmd := exec.CommandContext(t.Context(), promtool, "test", "rules", "alerts_test.yml")
	cmd.Dir = "monitoring"
	if said, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, said)
	}
}

func TestRulesAndDashboardAskForMetricsThatThereAre(t *testing.T) {
	cfg, err := configfile.Parse([]byte(`
integration "bots" { kind = "static" }
grant "bot" { integration = "bots" }
`), "test.hcl")
	if err != nil {
		t.Fatal(err)
	}
	s, err := store.Open(t.Context(), new(storetest.Memory), store.Config{})
	if err != nil {
		t.Fatal(err)
	}
	k := fleet.New(fleet.Config{Store: s, Config: cfg})
	shown := report.New(report.Config{Store: s, Config: func() *config.Config { return cfg }, States: k.States, Trust: k.Trust, Clients: k.Circuits, Endpoints: k.Endpoints,
		StoreKey: func(context.Context) *wire.StoreKey { return &wire.StoreKey{} },
		Host:     func(s *wire.Status) { s.Hosts = []wire.Host{{Name: "int-1"}} }})
	w := httptest.NewRecorder()
	metrics.New(metrics.Config{Report: shown, Now: time.Now}).Handler(nil).ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), "GET", "/metrics", nil))
	there := w.Body.String()
	// Those of single grants and of a sweep need more than a keeper that rests.
	for _, name := range []string{"alerts_waiting", "horizon_timestamp_seconds", "grant_window_remaining_seconds", "grant_token_remaining_seconds", "grant_failures", "last_sweep_timestamp_seconds"} {
		there += "\nwebex_tokend_" + name + " "
	}
	for _, file := range []string{"monitoring/alerts.yml", "monitoring/dashboard.json"} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(file, ".json") && !json.Valid(text) {
			t.Errorf("%s is no JSON", file)
		}
		names := regexp.MustCompile(`webex_tokend_\w+`).FindAllString(string(text), -1)
		if len(names) < 5 {
			t.Errorf("%s asks for %q only", file, names)
		}
		for _, name := range names {
			if !regexp.MustCompile(`(?m)^` + name + `[ {]`).MatchString(there) {
				t.Errorf("%s asks for %s, which there is not", file, name)
			}
		}
	}
}
