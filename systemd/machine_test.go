package systemd_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// A machine is a container in which a real systemd has booted, from a tree
// that is Debian with a few packages and nothing of ours. What is changed in it
// goes with it. Its network is a loopback of its own.
type machine struct {
	t      *testing.T
	leader string // process ID of its systemd, out here
}

// packages are what the tree has beside the essential ones.
const packages = "systemd,dbus,ca-certificates,curl"

// patience bounds every wait, far above what anything takes.
const patience = 60 * time.Second

// boot starts a machine, or skips the test and says why it cannot. Options of
// systemd-nspawn give it more than Debian.
func boot(t *testing.T, options ...string) *machine {
	t.Helper()
	tree := bootable(t)
	alone(t, filepath.Join(filepath.Dir(tree), "lock"))
	console := &transcript{}
	// Nothing is registered: the host may run no systemd at all.
	nspawn := exec.Command("systemd-nspawn", append([]string{"--quiet", "--directory=" + tree, "--volatile=overlay", "--boot",
		"--private-network", "--register=no", "--keep-unit", "--console=pipe"}, options...)...)
	nspawn.Stdout, nspawn.Stderr = console, console
	if err := nspawn.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = nspawn.Wait()
	}()
	m := &machine{t: t}
	t.Cleanup(func() {
		if t.Failed() && m.leader != "" {
			journal, _ := m.try("journalctl -o cat -u webex-tokend | tail -n 50")
			t.Logf("journal:\n%s", journal)
		}
		_ = nspawn.Process.Signal(syscall.SIGTERM) // an orderly shutdown
		select {
		case <-ended:
		case <-time.After(patience):
			_ = nspawn.Process.Kill()
			<-ended
		}
		if t.Failed() {
			t.Logf("console:\n%s", console)
		}
	})
	m.until(ended, func() bool {
		children, _ := os.ReadFile(fmt.Sprintf("/proc/%[1]d/task/%[1]d/children", nspawn.Process.Pid))
		m.leader = strings.TrimSpace(string(children))
		if m.leader == "" {
			return false
		}
		state, _ := m.try("systemctl is-system-running")
		return state == "running" || state == "degraded"
	})
	return m
}

// alone waits until no other process has a machine: all would share one control
// group, and the systemd of each ends what it does not know there.
func alone(t *testing.T, path string) {
	t.Helper()
	lock, err := locked(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = lock.Close() })
}

// locked holds a lock until the file is closed.
func locked(path string) (*os.File, error) {
	lock, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		lock.Close()
		return nil, err
	}
	return lock, nil
}

// lacks skips a test that cannot boot a machine. Where the check itself
// installs what that takes, it is a failure.
func lacks(t *testing.T, what string) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatal("booting a container takes " + what)
	}
	t.Skip("booting a container takes " + what)
}

// bootable returns a tree to boot from, or skips the test and says why there is
// none.
func bootable(t *testing.T) string {
	t.Helper()
	if testing.Short() {
		t.Skip("booting takes a while")
	}
	if os.Geteuid() != 0 {
		lacks(t, "root")
	}
	for _, program := range []string{"systemd-nspawn", "mmdebstrap", "nsenter"} {
		if _, err := exec.LookPath(program); err != nil {
			lacks(t, program+" (Debian: systemd-container, mmdebstrap)")
		}
	}
	tree, err := debian()
	if err != nil {
		lacks(t, err.Error())
	}
	return tree
}

// in is the same machine for a part of the test.
func (m *machine) in(t *testing.T) *machine { return &machine{t, m.leader} }

// until waits for something, and gives up when the machine is gone.
func (m *machine) until(ended <-chan struct{}, happened func() bool) {
	m.t.Helper()
	for end := time.Now().Add(patience); !happened(); {
		select {
		case <-ended:
			lacks(m.t, "a kernel that lets it start")
		case <-time.After(20 * time.Millisecond):
		}
		if time.Now().After(end) {
			m.t.Fatal("it takes too long")
		}
	}
}

// awaits runs a script in the machine until it succeeds.
func (m *machine) awaits(script string) {
	m.t.Helper()
	m.until(nil, func() bool { _, code := m.try(script); return code == 0 })
}

// try runs a script as root in the machine. It returns what the script printed
// and its exit code.
func (m *machine) try(script string) (string, int) {
	m.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	out, err := m.command(ctx, script).CombinedOutput()
	text := strings.TrimSpace(string(out))
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return text, exit.ExitCode()
	}
	if err != nil {
		m.t.Fatal(err)
	}
	return text, 0
}

// command is a script that root runs at home.
func (m *machine) command(ctx context.Context, script string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "nsenter", "--target="+m.leader, "--all", "/bin/sh", "-c", "cd && "+script)
	cmd.Env = []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C.UTF-8", "HOME=/root"}
	return cmd
}

// run is try for a script that must succeed.
func (m *machine) run(script string) string {
	m.t.Helper()
	out, code := m.try(script)
	if code != 0 {
		m.t.Fatalf("%s: exit code %d: %s", script, code, out)
	}
	return out
}

// write makes a file in the machine.
func (m *machine) write(path, content string) {
	m.t.Helper()
	m.run("mkdir -p " + filepath.Dir(path) + " && cat >" + path + " <<'END_OF_FILE'\n" + content + "\nEND_OF_FILE\n")
}

// A transcript is what a machine says on its console.
type transcript struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (c *transcript) Write(b []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.text.Write(b)
}

func (c *transcript) String() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.text.String()
}

// debian makes the tree once and keeps it in the user's cache. It is made
// beside its place and renamed, so that half of one is never booted.
var debian = sync.OnceValues(func() (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	cache = filepath.Join(cache, "webex-tokend-boot")
	tree := filepath.Join(cache, "bookworm+"+strings.ReplaceAll(packages, ",", "+"))
	if _, err := os.Stat(tree); err == nil {
		return tree, nil
	}
	if err := os.MkdirAll(cache, 0o700); err != nil {
		return "", err
	}
	// Of two that make it at once the second could not rename its own.
	lock, err := locked(filepath.Join(cache, "lock"))
	if err != nil {
		return "", err
	}
	defer lock.Close()
	if _, err := os.Stat(tree); err == nil {
		return tree, nil
	}
	growing, err := os.MkdirTemp(cache, "growing-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(growing)
	root := filepath.Join(growing, "root")
	out, err := exec.Command("mmdebstrap", "--quiet", "--variant=minbase", "--include="+packages, "bookworm", root).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("make a Debian tree: %w: %s", err, bytes.TrimSpace(out))
	}
	return tree, os.Rename(root, tree)
})

// program builds the program as it is shipped, once for all tests.
var program = sync.OnceValues(func() (string, error) {
	path := filepath.Join(scratch, "webex-tokend")
	build := exec.Command("go", "build", "-trimpath", "-o", path, "../cmd/webex-tokend")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build the program: %w: %s", err, out)
	}
	return path, nil
})

// scratch holds the program and the packages.
var scratch string

func TestMain(m *testing.M) {
	var err error
	if scratch, err = os.MkdirTemp("", "webex-tokend-boot"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	_ = os.RemoveAll(scratch)
	os.Exit(code)
}
