package main

import (
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A SIGHUP in the first milliseconds ended a daemon; one that comes while it reads
// 5,000 grants is answered by a reload when it can be.
func TestHangupsOfAnyInstantAreRemembered(t *testing.T) {
	e := newEstate(t)
	var grants strings.Builder
	for n := range 5000 {
		fmt.Fprintf(&grants, "grant \"g-%d\" {\n  integration = \"crm\"\n}\n", n)
	}
	e.declare(grants.String())
	log, err := os.Create(e.path("log"))
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	// As the first process of a container does, and env --ignore-signal=HUP.
	cmd := e.command("/bin/sh", "-c", `trap "" HUP; : >"$0"; exec webex-tokend run --config "$1"`, e.path("ignored"), e.path("/etc/webex-tokend/config.hcl"))
	cmd.Stderr = log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	e.until("the shell ignores SIGHUP", func() bool { _, err := os.Stat(e.path("ignored")); return err == nil })
	for _, pause := range []time.Duration{1, 1, 1, 2, 5, 10, 20, 40, 60, 80, 80} {
		time.Sleep(pause * time.Millisecond)
		if err := cmd.Process.Signal(syscall.SIGHUP); err != nil {
			t.Fatalf("the daemon has ended: %v\n%s", err, e.read("log"))
		}
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("it said: %.3000s", e.read("log"))
			_ = cmd.Process.Kill()
		}
	})
	e.until("the daemon answers", func() bool { return e.command("webex-tokend", "status", "--limit", "1").Run() == nil })
	if err := cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	e.until("the daemon has reloaded", func() bool { return strings.Contains(e.read("log"), "reloaded") })
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; err != nil {
		t.Errorf("the daemon ended with %v\n%s", err, e.read("log"))
	}
}
