package crash_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// inject runs the next processes under strace, which makes the system calls
// fail, or kills at them. When counts the calls of each thread by itself, and
// Go moves between threads: so a place is not hit by its number but by trying
// many numbers.
func (h *host) inject(call, what, when string) {
	h.t.Helper()
	strace, err := exec.LookPath("strace")
	if err != nil {
		h.t.Skip("there is no strace")
	}
	h.wrap = []string{strace, "-f", "-qq", "-o", filepath.Join(h.dir, "injected"), "-e", "trace=" + call, "-e", fmt.Sprintf("inject=%s:%s:when=%s", call, what, when)}
}

// injected counts the system calls that failed because of inject.
func (h *host) injected() int {
	h.t.Helper()
	text, err := os.ReadFile(filepath.Join(h.dir, "injected"))
	if err != nil {
		h.t.Fatal(err)
	}
	return bytes.Count(text, []byte("(INJECTED)"))
}

// fileCalls are the system calls by which the store, the spool and the token
// files come to the disk.
var fileCalls = []string{"pwrite64", "fdatasync", "fsync", "ftruncate", "openat", "renameat"}

func TestAKillAtAnySystemCallLosesNothingWithinTheGrace(t *testing.T) {
	for _, call := range append([]string{"write", "read", "connect", "close", "futex", "epoll_pwait"}, fileCalls...) {
		t.Run(call, func(t *testing.T) {
			t.Parallel()
			h := newHost(t, longGrace)
			id := h.consented()
			hits := 0
			for n := range rounds(t, 6) {
				h.inject(call, "signal=SIGKILL", fmt.Sprint(1+n*(1+n/3)%40))
				if killed, _ := h.start("refresh", "").wait(); killed {
					hits++
				}
				h.published(id)
				if !h.alive() {
					t.Fatalf("lost by a kill at call %d", n)
				}
			}
			if hits == 0 {
				t.Error("no kill hit")
			}
			t.Logf("%d kills, 0 lost", hits)
		})
	}
}

// A disturbance tells what came of refreshes while a system call failed.
type disturbance struct{ refreshes, errors, failed, lost int }

// disturb runs refreshes, each on a host of its own. None may send what the
// store has no intent for.
func disturb(t *testing.T, call, errno string, whens []string) (d disturbance) {
	t.Helper()
	for _, when := range whens {
		h := newHost(t, 0)
		id := h.consented()
		if !h.alive() {
			t.Fatal("it does not live to begin with")
		}
		h.inject(call, "error="+errno, when)
		before := h.asked()
		p := h.start("refresh", "")
		if _, code := p.wait(); code != 0 {
			d.failed++
		}
		d.refreshes++
		d.errors += h.injected()
		if sent, intents := h.asked()-before, len(p.says("intent")); sent > intents {
			t.Errorf("%s %s at %s: %d requests, %d intents: %s", call, errno, when, sent, intents, p.err.String())
		}
		h.published(id)
		if !h.alive() {
			d.lost++
			t.Logf("%s %s at %s: %s", call, errno, when, p.err.String())
		}
	}
	return d
}

// once and forGood number the calls at which an error begins.
func once(n int) (whens []string) {
	for i := range n {
		whens = append(whens, fmt.Sprint(1+i%12)) // no thread makes many more
	}
	return whens
}

func forGood(n int) (whens []string) {
	for _, when := range once(n) {
		whens = append(whens, when+"+")
	}
	return whens
}

// fileFaults are the errors that a disk, a quota and a limit give, at each
// system call by which files are opened, read, written and put in place.
var fileFaults = map[string][]string{
	"openat":     {"EIO", "ENOSPC", "EMFILE"},
	"pread64":    {"EIO"},
	"pwrite64":   {"EIO", "ENOSPC", "EDQUOT", "EFBIG", "EROFS"},
	"fdatasync":  {"EIO", "ENOSPC", "EDQUOT"},
	"fsync":      {"EIO", "ENOSPC", "EDQUOT"},
	"ftruncate":  {"EIO", "ENOSPC", "EFBIG"},
	"newfstatat": {"EIO"},
	"fchmod":     {"EIO"},
	"renameat":   {"EIO", "ENOSPC"},
}

func TestAnErrorOfAnyFileCallLosesNothingAndSendsNothingBlindly(t *testing.T) {
	for call, errnos := range fileFaults {
		if !thorough() {
			errnos = errnos[:1]
		}
		for _, errno := range errnos {
			t.Run(call+" "+errno, func(t *testing.T) {
				t.Parallel()
				d := disturb(t, call, errno, append(once(rounds(t, 4)), forGood(rounds(t, 4))...))
				if d.lost > 0 {
					t.Errorf("%d of %d lost", d.lost, d.refreshes)
				}
				if d.errors == 0 {
					t.Error("no call failed")
				}
				t.Logf("%d refreshes with %d errors: %d failed, %d lost", d.refreshes, d.errors, d.failed, d.lost)
			})
		}
	}
}

func TestAnAnswerThatTheDiskRefusesIsLostWithoutTheSpool(t *testing.T) {
	for how, lost := range map[string]bool{"sick": false, "sick, no spool": true} {
		h := newHost(t, 0)
		h.consented()
		if _, code := h.start("refresh", how).wait(); code == 0 {
			t.Fatalf("%s: the answer was stored", how)
		}
		if h.alive() == lost {
			t.Errorf("%s: lost: %t", how, !lost)
		}
	}
}
