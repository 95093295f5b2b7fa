package main

import (
	"testing"

	"golang.org/x/sys/unix"
)

func TestNoCoreFileIsMadeOfADaemon(t *testing.T) {
	dumpable := func() int {
		n, err := unix.PrctlRetInt(unix.PR_GET_DUMPABLE, 0, 0, 0, 0)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	// A test that took another user's rights may have left the process without.
	if err := unix.Prctl(unix.PR_SET_DUMPABLE, 1, 0, 0, 0); err != nil || dumpable() == 0 {
		t.Fatalf("a process is undumpable before, %v: the test proves nothing", err)
	}
	if err := shield(); err != nil {
		t.Fatal(err)
	}
	defer unix.Prctl(unix.PR_SET_DUMPABLE, 1, 0, 0, 0)
	var core unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_CORE, &core); err != nil {
		t.Fatal(err)
	}
	if dumpable() != 0 || core.Cur != 0 || core.Max != 0 {
		t.Errorf("dumpable %d, core files of %d bytes, %d at most", dumpable(), core.Cur, core.Max)
	}
}
