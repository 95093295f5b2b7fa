package publish_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"webex-tokend/daemon/config"
	"webex-tokend/daemon/publish"
)

// hanging mounts a file system in user space on a folder and returns two funcs,
// which let it hang and answer again.
func hanging(t *testing.T) (folder string, hang, answer func()) {
	t.Helper()
	skip := func(why any) {
		if os.Getenv("CI") != "" {
			t.Fatal(why)
		}
		t.Skip(why)
	}
	program, err := exec.LookPath("bindfs")
	if err != nil {
		skip(err)
	}
	folder = t.TempDir()
	server := exec.Command(program, "-f", t.TempDir(), folder)
	if err := server.Start(); err != nil {
		skip(err)
	}
	t.Cleanup(func() {
		_ = server.Process.Signal(syscall.SIGCONT)
		_ = exec.Command("umount", folder).Run()
		_ = server.Process.Kill()
		_ = server.Wait()
	})
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		mounts, _ := os.ReadFile("/proc/self/mounts")
		if strings.Contains(string(mounts), " "+folder+" ") {
			break
		}
		if time.Now().After(deadline) {
			skip("bindfs mounts nothing here")
		}
	}
	signal := func(s syscall.Signal) func() {
		return func() {
			if err := server.Process.Signal(s); err != nil {
				t.Fatal(err)
			}
		}
	}
	return folder, signal(syscall.SIGSTOP), signal(syscall.SIGCONT)
}

// Outputs on a file system that hung took all workers, so that no token got
// anywhere, and were shown as ok with the token of before.
func TestAnOutputOnAFileSystemThatHangsFailsAloneAndIsWrittenWhenItAnswers(t *testing.T) {
	folder, hang, answer := hanging(t)
	sound := t.TempDir()
	const grants = 40 // more than there are workers
	var c config.Config
	h := newHost()
	for i := range grants {
		name := fmt.Sprintf("ops-%02d", i)
		c.Grants = append(c.Grants, &config.Grant{Name: name, Integration: "crm", Files: []config.File{
			{Path: filepath.Join(folder, name), Format: "raw", Mode: 0o600},
			{Path: filepath.Join(sound, name), Format: "raw", Mode: 0o600},
		}})
		h.token(name, 1, "first")
	}
	p := run(t, h.publisher(&c))
	settled(t, p, grants, "ok 1", "ok 1")
	hang()
	defer answer()
	for i := range grants {
		name := fmt.Sprintf("ops-%02d", i)
		h.token(name, 2, "second")
		p.Publish(name)
	}
	if o := p.Outputs("ops-39")[0]; o.State == "ok" {
		t.Errorf("a token that is not written shows as %v", o)
	}
	settled(t, p, grants, "failed 1", "ok 2")
	if text := p.Outputs("ops-00")[0].Error; text != "file system does not answer" {
		t.Errorf("it fails with %q", text)
	}
	answer()
	settled(t, p, grants, "ok 2", "ok 2")
	for i := range grants {
		text, err := os.ReadFile(filepath.Join(folder, fmt.Sprintf("ops-%02d", i)))
		if err != nil || string(text) != "second\n" {
			t.Errorf("%q, %v", text, err)
		}
	}
}

// settled waits until the two outputs of all grants stand so.
func settled(t *testing.T, p *publish.Publisher, grants int, want ...string) {
	t.Helper()
	var last string
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		last = ""
		for i := range grants {
			for j, o := range p.Outputs(fmt.Sprintf("ops-%02d", i)) {
				if got := fmt.Sprintf("%s %d", o.State, o.Generation); got != want[j] {
					last = fmt.Sprintf("output %d of grant %d is %s, want %s", j, i, got, want[j])
				}
			}
		}
		if last == "" {
			return
		}
	}
	t.Fatal(last)
}
