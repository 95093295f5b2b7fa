package crash_test

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
	"syscall"
	"testing"
	"time"

	"webex-tokend/daemon/emulator"
	"webex-tokend/store/seal"
)

// A host is a folder with all that a daemon needs, and the Webex it speaks to.
type host struct {
	t     *testing.T
	dir   string
	webex *emulator.Emulator
	url   string // of the webex
	// ledger sees every answer of it.
	ledger *ledger
	// wrap stands before the program that runs as the other process.
	wrap []string
}

const configText = `
state_dir   = "%[1]s/state"
runtime_dir = "%[1]s/run"
log_level   = "debug"
seal {
  key_file = "%[1]s/store.key"
}
integration "rest" {
  kind               = "rest"
  client_id          = %[2]q
  client_secret_file = "%[1]s/secret"
  token_url          = "%[3]s%[4]s"
  min_interval       = "1s"
}
grant "ops*" {
  integration = "rest"
  file {
    path = "%[1]s/run/tokens/{{ .Grant }}"
  }
}
grant "ops-7" {
  integration = "rest"
  file {
    path = "%[1]s/run/tokens/ops-7"
  }
}
allow {
  users   = ["root"]
  actions = ["admin"]
  grants  = ["*"]
}
`

// newHost has a Webex that rotates refresh tokens, with as much grace.
func newHost(t *testing.T, grace time.Duration) *host {
	return newHostOf(t, emulator.Config{Calm: true, Rotate: true, Grace: grace})
}

func newHostOf(t *testing.T, cfg emulator.Config) *host {
	h := &host{t: t, dir: t.TempDir(), webex: emulator.New(cfg)}
	h.ledger = &ledger{Handler: h.webex, tokens: make(map[string]bool)}
	server := httptest.NewServer(h.ledger)
	h.url = server.URL
	t.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
	})
	client := h.webex.Client(emulator.REST)
	h.write("secret", client.Secret)
	h.write("config.hcl", fmt.Sprintf(configText, h.dir, client.ID, server.URL, emulator.TokenPath))
	if err := seal.WriteKey(filepath.Join(h.dir, "store.key"), seal.NewKey()); err != nil {
		t.Fatal(err)
	}
	for dir, mode := range map[string]os.FileMode{"state": 0o700, "run": 0o711, "run/tokens": 0o711} {
		if err := os.MkdirAll(filepath.Join(h.dir, dir), mode); err != nil {
			t.Fatal(err)
		}
	}
	return h
}

// consented puts the token response of a new consent where refreshOnce finds it.
func (h *host) consented() emulator.GrantID {
	issued := h.webex.Issue(emulator.REST, emulator.Consent{})
	h.write("response.json", string(issued.Response))
	return issued.Grant
}

func (h *host) write(name, content string) {
	h.t.Helper()
	if err := os.WriteFile(filepath.Join(h.dir, name), []byte(content), 0o600); err != nil {
		h.t.Fatal(err)
	}
}

// start runs this binary in another role.
func (h *host) start(role string, args ...string) *process {
	h.t.Helper()
	line := append(append(h.wrap[:len(h.wrap):len(h.wrap)], os.Args[0], h.dir), args...)
	p := &process{cmd: exec.CommandContext(h.t.Context(), line[0], line[1:]...)}
	p.cmd.Env = append(os.Environ(), roleVariable+"="+role, "GORACE=atexit_sleep_ms=0")
	p.cmd.Stdout, p.cmd.Stderr = &p.out, &p.err
	// strace leaves its child behind when it is killed itself.
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	p.cmd.Cancel = func() error { return syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL) }
	p.cmd.WaitDelay = 10 * time.Second
	if err := p.cmd.Start(); err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(func() {
		if h.t.Failed() && p.cmd.ProcessState == nil {
			p.kill()
			p.wait()
			h.t.Logf("the %s that nobody waited for: %s", role, p.err.String())
		}
	})
	return p
}

// A process is the other one.
type process struct {
	cmd      *exec.Cmd
	out, err bytes.Buffer // to be read after wait
}

func (p *process) kill() { _ = syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL) }

// wait returns how it ended: killed by SIGKILL, or with an exit code.
func (p *process) wait() (killed bool, code int) {
	err := p.cmd.Wait()
	exit, ok := errors.AsType[*exec.ExitError](err)
	if !ok {
		return false, 0
	}
	status := exit.Sys().(syscall.WaitStatus)
	return status.Signaled() && status.Signal() == syscall.SIGKILL, status.ExitStatus()
}

// says returns what stands behind a word in the output, for each line of it.
func (p *process) says(word string) (list []string) {
	for line := range strings.Lines(p.out.String()) {
		if rest, ok := strings.CutPrefix(strings.TrimSpace(line), word); ok {
			list = append(list, strings.TrimSpace(rest))
		}
	}
	return list
}

// alive runs one refresh without any disturbance and reports whether the grant
// survived what came before: its store still knows a refresh token that works.
func (h *host) alive() bool {
	h.t.Helper()
	wrap := h.wrap
	h.wrap = nil
	defer func() { h.wrap = wrap }()
	p := h.start("refresh", "")
	if killed, code := p.wait(); killed || code != 0 {
		return false
	}
	return true
}

// published fails unless the token file is whole: absent, or a token of that
// grant.
func (h *host) published(id emulator.GrantID) {
	h.t.Helper()
	content, err := os.ReadFile(filepath.Join(h.dir, "run", "tokens", "ops"))
	if errors.Is(err, os.ErrNotExist) {
		return
	}
	if err != nil {
		h.t.Error(err)
	} else if h.webex.Find(strings.TrimSpace(string(content))) != id {
		h.t.Errorf("the token file holds %d bytes that are no token of the grant", len(content))
	}
}

// asked counts the refreshes that reached the server.
func (h *host) asked() (n int) {
	for _, c := range h.webex.Calls() {
		if c.GrantType == "refresh_token" {
			n++
		}
	}
	return n
}

// patience bounds every wait, far above what anything takes.
func patience(t *testing.T) (context.Context, context.CancelFunc) {
	return context.WithTimeout(t.Context(), time.Minute)
}

// until tries again and again until there is no error.
func until(t *testing.T, try func(context.Context) error) {
	t.Helper()
	ctx, cancel := patience(t)
	defer cancel()
	untilDone(ctx, t, try)
}

// untilDone does so until ctx ends.
func untilDone(ctx context.Context, t *testing.T, try func(context.Context) error) {
	t.Helper()
	for {
		err := try(ctx)
		if err == nil {
			return
		}
		select {
		case <-ctx.Done():
			t.Fatal(err)
		case <-time.After(10 * time.Millisecond):
		}
	}
}
