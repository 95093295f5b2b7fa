package crash_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"webex-tokend/daemon/emulator/lab"
)

// insideVariable says that the test runs in a mount namespace of its own.
const insideVariable = "WEBEX_TOKEND_TEST_INSIDE"

// inNamespace runs the test once more where it may mount, and returns true
// there. No privilege is needed for it but that the kernel allows it.
func inNamespace(t *testing.T) bool {
	t.Helper()
	if os.Getenv(insideVariable) != "" {
		return true
	}
	if err := exec.Command("unshare", "-Urm", "true").Run(); err != nil {
		t.Skipf("no mount namespace: %v", err)
	}
	cmd := exec.CommandContext(t.Context(), "unshare", "-Urm", os.Args[0], "-test.v", "-test.run=^"+t.Name()+"$")
	cmd.Env = append(os.Environ(), insideVariable+"=1")
	out, err := cmd.CombinedOutput()
	if t.Logf("%s", out); err != nil {
		t.Error(err)
	}
	return false
}

// smallDisk puts the store on a file system of 8 MiB.
func (h *host) smallDisk() (state string) {
	h.t.Helper()
	state = filepath.Join(h.dir, "state")
	if err := syscall.Mount("tmpfs", state, "tmpfs", 0, "size=8m,mode=700,nr_inodes=200"); err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(func() { _ = syscall.Unmount(state, syscall.MNT_DETACH) })
	return state
}

// fillUp leaves no block free on the disk of a folder.
func fillUp(t *testing.T, dir string) (filler string) {
	t.Helper()
	filler = filepath.Join(dir, "filler")
	f, err := os.OpenFile(filler, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for {
		if _, err := f.Write(make([]byte, 4096)); err != nil {
			if !errors.Is(err, syscall.ENOSPC) {
				t.Fatal(err)
			}
			return filler
		}
	}
}

func TestADiskThatFillsUpWhileTheAnswerIsUnderWayStillTakesIt(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	h := newHost(t, 0)
	h.consented()
	state := h.smallDisk()
	arrived, release := make(chan struct{}), make(chan struct{})
	h.webex.Script(lab.Hold(arrived, release))
	p := h.start("refresh", "")
	<-arrived
	fillUp(t, state)
	close(release)
	if _, code := p.wait(); code != 0 {
		t.Errorf("the answer found no room: %s", p.err.String())
	}
	if err := os.Remove(filepath.Join(state, "filler")); err != nil {
		t.Fatal(err)
	}
	if !h.alive() {
		t.Error("the grant is lost")
	}
}

func TestNothingIsSentFromAFullDiskAndNothingIsLostOnIt(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	h := newHost(t, 0)
	h.consented()
	state := h.smallDisk()
	if !h.alive() {
		t.Fatal("it does not live to begin with")
	}
	filler := fillUp(t, state)
	for range 20 {
		before := h.asked()
		p := h.start("refresh", "")
		p.wait()
		if sent, intents := h.asked()-before, len(p.says("intent")); sent > intents {
			t.Fatalf("%d requests, %d intents: %s", sent, intents, p.err.String())
		}
	}
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	if !h.alive() {
		t.Error("the grant is lost")
	}
}

func TestNothingIsSentFromAReadOnlyDisk(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	h := newHost(t, 0)
	h.consented()
	state := h.smallDisk()
	if !h.alive() {
		t.Fatal("it does not live to begin with")
	}
	remount := func(flags uintptr) {
		if err := syscall.Mount("", state, "", syscall.MS_REMOUNT|flags, "size=8m"); err != nil {
			t.Fatal(err)
		}
	}
	remount(syscall.MS_RDONLY)
	before := h.asked()
	if _, code := h.start("refresh", "").wait(); code == 0 {
		t.Error("a refresh succeeded without a store")
	}
	if n := h.asked() - before; n > 0 {
		t.Errorf("%d requests", n)
	}
	remount(0)
	if !h.alive() {
		t.Error("the grant is lost")
	}
}

func TestAnAnswerSurvivesAStoreThatIsReplacedUnderIt(t *testing.T) {
	h := newHost(t, 0)
	h.consented()
	if !h.alive() {
		t.Fatal("it does not live to begin with")
	}
	path := filepath.Join(h.dir, "state", "store.db")
	copied, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	h.write("state/store.db.restored", string(copied))
	arrived, release := make(chan struct{}), make(chan struct{})
	h.webex.Script(lab.Hold(arrived, release))
	before := h.asked()
	p := h.start("refresh", "replaced")
	<-arrived
	if err := os.Rename(path+".restored", path); err != nil {
		t.Fatal(err)
	}
	close(release)
	if _, code := p.wait(); code == 0 {
		t.Error("the answer was stored in a file that nobody finds again")
	}
	if n := h.asked() - before; n != 1 {
		t.Errorf("%d requests", n)
	}
	if !h.alive() {
		t.Error("the grant is lost")
	}
}
