// Package servers runs the daemon, as a process of its own, against authorization
// servers that nobody here wrote: those of ory/fosite and zitadel/oidc, which
// replace refresh tokens and refuse used ones. It is a module of its own, so that
// the daemon needs none of theirs. The server of oidc-provider is met in
// daemon/flow.
package servers

import (
	"encoding/json"
	"net/url"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
)

const rotations, kills = 50, 30

// TestNoGrantIsLostAtServersOfOthers rotates, kills, revokes and loses the state
// of the server.
func TestNoGrantIsLostAtServersOfOthers(t *testing.T) {
	program := filepath.Join(t.TempDir(), "webex-tokend")
	build := exec.Command("go", "build", "-o", program, "./cmd/webex-tokend")
	build.Dir = filepath.Join("..", "..", "..")
	if said, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build the daemon: %v: %s", err, said)
	}
	for name, start := range map[string]func(*testing.T) *server{"ory fosite": startFosite, "zitadel oidc": startZitadel} {
		t.Run(name, func(t *testing.T) {
			s := start(t)
			usedTokensAreRefused(t, s)
			d := newDaemon(t, program, s)
			d.start()
			t.Cleanup(func() { d.end(syscall.SIGTERM) })
			d.write("response.json", string(s.consent(t)))
			d.must("import", "ops", filepath.Join(d.dir, "response.json"))

			for range rotations {
				d.must("refresh", "ops")
			}
			if g := d.grant(); g.State != "ok" || g.Generation != rotations+1 {
				t.Fatalf("after %d rotations it is %+v", rotations, g)
			}
			for n := range kills {
				if n%2 == 0 { // also right behind a start, with nothing under way
					d.must("refresh", "ops")
				}
				s.quiet(t.Context())
				d.end(syscall.SIGKILL)
				d.start()
			}
			d.must("refresh", "ops")
			if g := d.grant(); g.State != "ok" {
				t.Fatalf("after %d kills it is %+v", kills, g)
			}

			d.must("revoke", "ops", "--yes")
			if g := d.grant(); g.State != "pending" {
				t.Errorf("revoked, it is %+v", g)
			}

			d.write("again.json", string(s.consent(t)))
			d.must("import", "ops", filepath.Join(d.dir, "again.json"))
			d.must("refresh", "ops")
			s.forget()
			if _, err := d.do("refresh", "ops"); err == nil {
				t.Error("a server without its state refreshes")
			}
			if g := d.grant(); g.State == "ok" || g.Reason == "" || g.Action == "" {
				t.Errorf("at a server that lost its state it is %+v", g)
			}
			d.write("last.json", string(s.consent(t)))
			d.must("import", "ops", filepath.Join(d.dir, "last.json"))
			d.must("refresh", "ops")
			if g := d.grant(); g.State != "ok" {
				t.Errorf("consented anew, it is %+v", g)
			}
		})
	}
}

// usedTokensAreRefused shows that the server is one that loses grants of clients
// which send a refresh token twice.
func usedTokensAreRefused(t *testing.T, s *server) {
	t.Helper()
	var answer struct {
		Refresh string `json:"refresh_token"`
	}
	if err := json.Unmarshal(s.consent(t), &answer); err != nil {
		t.Fatal(err)
	}
	form := url.Values{"grant_type": {"refresh_token"}, "refresh_token": {answer.Refresh}}
	s.ask(t, form)
	if status, body := s.try(t, form); status < 400 {
		t.Fatalf("a used refresh token is taken: %d %s", status, body)
	}
}
