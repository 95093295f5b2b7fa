package crash_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"webex-tokend/daemon/emulator/lab"
)

// A looped ext4 is a file system in a file that can lose its power: the kernel
// forgets at once whatever it has not written yet, the journal included
// (EXT4_IOC_SHUTDOWN of Linux's fs/ext4/ext4.h, with NOLOGFLUSH).
type looped struct {
	t            *testing.T
	image, point string
}

const (
	ext4Shutdown = 0x8004587d
	noLogFlush   = 2
)

// loopExt4 mounts a fresh ext4 on a folder, or skips the test where that is not
// allowed.
func loopExt4(t *testing.T, point string) *looped {
	t.Helper()
	l := &looped{t, filepath.Join(t.TempDir(), "ext4"), point}
	if err := os.WriteFile(l.image, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(l.image, 24<<20); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("mkfs.ext4", "-q", "-e", "remount-ro", l.image).CombinedOutput(); err != nil {
		t.Skipf("no ext4 can be made: %v %s", err, out)
	}
	if out, err := exec.Command("mount", "-o", "loop", l.image, point).CombinedOutput(); err != nil {
		t.Skipf("nothing can be mounted: %v %s", err, out)
	}
	// Lazily: after a failure a process may still have files of it open.
	t.Cleanup(func() { _ = exec.Command("umount", "-l", point).Run() })
	return l
}

// turnReadOnly lets the kernel find an error in the file system, after which it
// writes nothing more, whoever has files of it open.
func (l *looped) turnReadOnly() {
	l.t.Helper()
	device, err := exec.Command("findmnt", "-no", "SOURCE", l.point).Output()
	if err != nil {
		l.t.Fatal(err)
	}
	trigger := filepath.Join("/sys/fs/ext4", filepath.Base(strings.TrimSpace(string(device))), "trigger_fs_error")
	if err := os.WriteFile(trigger, []byte("a test"), 0o200); err != nil {
		l.t.Skipf("the kernel lets no error be made: %v", err)
	}
}

// remount lets the kernel forget the file system and read it from the disk.
func (l *looped) remount() {
	l.t.Helper()
	if out, err := exec.Command("umount", l.point).CombinedOutput(); err != nil {
		l.t.Fatalf("%v: %s", err, out)
	}
	if out, err := exec.Command("mount", "-o", "loop", l.image, l.point).CombinedOutput(); err != nil {
		l.t.Fatalf("%v: %s", err, out)
	}
}

// losePower ends the file system as a power cut does, and mounts it again.
func (l *looped) losePower() {
	l.t.Helper()
	f, err := os.Open(l.point)
	if err != nil {
		l.t.Fatal(err)
	}
	err = unix.IoctlSetPointerInt(int(f.Fd()), ext4Shutdown, noLogFlush)
	if err := errors.Join(err, f.Close()); err != nil {
		l.t.Fatal(err)
	}
	l.remount()
}

// onExt4 puts the store, or the token files, on a file system that can lose its
// power.
func (h *host) onExt4(folder string) *looped {
	h.t.Helper()
	return loopExt4(h.t, filepath.Join(h.dir, folder))
}

func TestWhatWasStoredIsThereAfterAPowerLoss(t *testing.T) {
	h := newHost(t, 0)
	h.consented()
	disk := h.onExt4("state")
	for n := range rounds(t, 8) {
		if !h.alive() {
			t.Fatalf("round %d: the grant is lost", n)
		}
		disk.losePower()
	}
	if !h.alive() {
		t.Error("the grant is lost")
	}
	if n := h.webex.Stats().Reuses; n > 0 {
		t.Errorf("%d refresh tokens came that were used up", n)
	}
}

func TestARefreshUnderWayAtAPowerLossIsTakenUpAgain(t *testing.T) {
	h := newHost(t, longGrace)
	h.consented()
	disk := h.onExt4("state")
	for n := range rounds(t, 4) {
		arrived, release := make(chan struct{}), make(chan struct{})
		h.webex.Script(lab.Hold(arrived, release))
		p := h.start("refresh", "")
		<-arrived
		p.kill()
		p.wait()
		close(release)
		disk.losePower()
		if !h.alive() {
			t.Fatalf("round %d: the grant is lost", n)
		}
	}
}

func TestATokenFileIsWholeAfterAPowerLoss(t *testing.T) {
	h := newHost(t, longGrace)
	id := h.consented()
	disk := h.onExt4("run")
	if err := os.Mkdir(filepath.Join(h.dir, "run", "tokens"), 0o711); err != nil {
		t.Fatal(err)
	}
	for range rounds(t, 4) {
		if !h.alive() {
			t.Fatal("the grant is lost")
		}
		disk.losePower()
		h.published(id)
		if _, err := os.Stat(filepath.Join(h.dir, "run", "tokens", "ops")); err != nil {
			t.Errorf("what was published is gone: %v", err)
		}
	}
}

func TestThePowerLossTakesWhatWasNotSynced(t *testing.T) {
	point := t.TempDir()
	disk := loopExt4(t, point)
	path := filepath.Join(point, "file")
	if err := os.WriteFile(path, make([]byte, 10000), 0o600); err != nil {
		t.Fatal(err)
	}
	disk.losePower()
	if content, err := os.ReadFile(path); err == nil && len(content) == 10000 {
		t.Error("it is there: the harness proves nothing")
	}
}
