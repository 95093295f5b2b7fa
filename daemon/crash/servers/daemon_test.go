package servers

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// A daemon is the built program under a configuration of its own.
type daemon struct {
	t       *testing.T
	program string
	dir     string
	running *exec.Cmd
}

func newDaemon(t *testing.T, program string, s *server) *daemon {
	t.Helper()
	d := &daemon{t: t, program: program, dir: t.TempDir()}
	d.write("secret", s.secret)
	d.write("config.hcl", fmt.Sprintf(`
state_dir   = "%[1]s/state"
runtime_dir = "%[1]s/run"
seal { key_file = "%[1]s/store.key" }
integration "idp" {
  kind               = "generic"
  client_id          = "%[3]s"
  client_secret_file = "%[1]s/secret"
  token_url          = "%[2]s%[4]s"
  revoke_url         = "%[2]s%[5]s"
  min_interval       = "1s"
}
grant "ops" { integration = "idp" }
`, d.dir, s.url, s.clientID, s.tokenPath, s.revokePath))
	d.must("key", "init", "--config", filepath.Join(d.dir, "config.hcl"))
	return d
}

func (d *daemon) write(name, text string) {
	d.t.Helper()
	if err := os.WriteFile(filepath.Join(d.dir, name), []byte(text), 0o600); err != nil {
		d.t.Fatal(err)
	}
}

// start runs the daemon until its socket answers.
func (d *daemon) start() {
	d.t.Helper()
	d.running = exec.Command(d.program, "run", "--config", filepath.Join(d.dir, "config.hcl"))
	log, err := os.OpenFile(filepath.Join(d.dir, "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		d.t.Fatal(err)
	}
	defer log.Close()
	d.running.Stderr = log
	if err := d.running.Start(); err != nil {
		d.t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(d.t.Context(), time.Minute)
	defer cancel()
	for ctx.Err() == nil {
		if _, err := d.do("status"); err == nil {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	text, _ := os.ReadFile(filepath.Join(d.dir, "log"))
	d.t.Fatalf("the daemon did not start: %s", text)
}

// end sends a signal and waits for the end.
func (d *daemon) end(signal os.Signal) {
	d.t.Helper()
	if d.running == nil {
		return
	}
	if err := d.running.Process.Signal(signal); err != nil {
		d.t.Fatal(err)
	}
	_ = d.running.Wait()
	d.running = nil
}

func (d *daemon) do(args ...string) (string, error) {
	cmd := exec.CommandContext(d.t.Context(), d.program, append(args, "--socket", filepath.Join(d.dir, "run/api.sock"))...)
	var out, said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &said
	if err := cmd.Run(); err != nil {
		return out.String(), errors.New(strings.Join(args, " ") + ": " + err.Error() + ": " + said.String())
	}
	return out.String(), nil
}

func (d *daemon) must(args ...string) string {
	d.t.Helper()
	out, err := d.do(args...)
	if err != nil {
		d.t.Fatal(err)
	}
	return out
}

// A grant is what status says of it.
type grant struct {
	State, Reason, Action string
	Generation            int
}

func (d *daemon) grant() grant {
	d.t.Helper()
	var page struct{ Grants []grant }
	if err := json.Unmarshal([]byte(d.must("status", "ops", "--json")), &page); err != nil || len(page.Grants) != 1 {
		d.t.Fatalf("status: %v", err)
	}
	return page.Grants[0]
}
