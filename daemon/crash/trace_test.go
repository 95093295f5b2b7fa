package crash_test

import (
	"fmt"
	"os/exec"
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
	h.wrap = []string{strace, "-f", "-qq", "-o", "/dev/null", "-e", "trace=" + call, "-e", fmt.Sprintf("inject=%s:%s:when=%s", call, what, when)}
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
				h.inject(call, "signal=SIGKILL", fmt.Sprint(1+n*(1+n/3)))
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

// fails runs refreshes while a system call fails, each on a host of its own,
// and returns how many lost their grant. None may send what the store has no
// intent for.
func fails(t *testing.T, call, errno string, whens []string) (lost, disturbed int) {
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
			disturbed++
		}
		if sent, intents := h.asked()-before, len(p.says("intent")); sent > intents {
			t.Errorf("%s %s at %s: %d requests, %d intents: %s", call, errno, when, sent, intents, p.err.String())
		}
		h.published(id)
		if !h.alive() {
			lost++
			t.Logf("%s %s at %s: %s", call, errno, when, p.err.String())
		}
	}
	return lost, disturbed
}

// once and forGood number the calls at which an error begins.
func once(n int) (whens []string) {
	for i := range n {
		whens = append(whens, fmt.Sprint(1+i*(1+i/4)))
	}
	return whens
}

func forGood(n int) (whens []string) {
	for _, when := range once(n) {
		whens = append(whens, when+"+")
	}
	return whens
}

func TestAnErrorOfAnyFileCallLosesNothingAndSendsNothingBlindly(t *testing.T) {
	for _, fault := range []struct{ call, errno string }{
		{"pwrite64", "EIO"}, {"pwrite64", "ENOSPC"}, {"pwrite64", "EROFS"}, {"fdatasync", "EIO"},
		{"fsync", "EIO"}, {"ftruncate", "ENOSPC"}, {"openat", "EMFILE"}, {"renameat", "ENOSPC"},
	} {
		t.Run(fault.call+" "+fault.errno, func(t *testing.T) {
			t.Parallel()
			whens := once(rounds(t, 6))
			if fault.call != "openat" {
				// A process that can open nothing has no spool either: what it
				// holds then is in memory, until it can or ends.
				whens = append(whens, forGood(rounds(t, 6))...)
			}
			lost, disturbed := fails(t, fault.call, fault.errno, whens)
			if lost > 0 {
				t.Errorf("%d of %d lost", lost, len(whens))
			}
			t.Logf("%d refreshes, %d of them failed, %d lost", len(whens), disturbed, lost)
		})
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
