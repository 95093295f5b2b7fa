package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"webex-tokend/daemon/emulator"
)

// TestTheRecipeForAlertmanager lets the real one notify Webex, again with each
// of three new tokens, and never reloads it.
func TestTheRecipeForAlertmanager(t *testing.T) {
	needs(t, "prometheus-alertmanager")
	e, r := follow(t, "Prometheus Alertmanager", "ops", emulator.REST)
	e.write("/etc/alertmanager.yml", e.here(r.one(t, "yaml"))+fmt.Sprintf(`
route:
  receiver: webex
  group_by: [alertname]
  group_wait: 0s
global:
  webex_api_url: %s/v1/messages
`, e.server.URL))
	address, err := freeAddress()
	if err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	alertmanager := e.command("prometheus-alertmanager", "--config.file", e.path("/etc/alertmanager.yml"),
		"--storage.path", e.path("alertmanager"), "--web.listen-address", address, "--cluster.listen-address=")
	alertmanager.Stdout, alertmanager.Stderr = &log, &log
	if err := alertmanager.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = alertmanager.Process.Signal(syscall.SIGTERM)
		_ = alertmanager.Wait()
		if t.Failed() {
			t.Log(&log)
		}
	}()
	var seen []string
	for round := range 4 {
		if round > 0 {
			e.output("webex-tokend", "refresh", "ops")
			e.until("the file is the new one", func() bool {
				return !slices.Contains(seen, strings.TrimSpace(e.read("/run/webex-tokend/tokens/ops")))
			})
		}
		e.until("Alertmanager takes an alert", func() bool { return raise(address, fmt.Sprint("alert-", round)) })
		token := strings.TrimSpace(e.output("webex-tokend", "token", "ops"))
		select {
		case got := <-e.messages:
			if got != token || slices.Contains(seen, got) {
				t.Fatalf("round %d: a message came with another token than the current one", round)
			}
			seen = append(seen, got)
		case <-time.After(patience):
			t.Fatalf("round %d: no message came", round)
		}
	}
}

// raise reports whether Alertmanager took the alert.
func raise(address, name string) bool {
	alerts, _ := json.Marshal([]any{map[string]any{"labels": map[string]string{"alertname": name}}})
	answer, err := http.Post("http://"+address+"/api/v2/alerts", "application/json", bytes.NewReader(alerts))
	if err != nil {
		return false
	}
	defer answer.Body.Close()
	return answer.StatusCode == http.StatusOK
}
