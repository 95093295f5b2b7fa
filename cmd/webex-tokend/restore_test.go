package main

import (
	"errors"
	"io/fs"
	"os"
	"strings"
	"testing"

	"webex-tokend/daemon/emulator"
	"webex-tokend/store"
	"webex-tokend/store/boltkv"
)

func TestARestoreCountsTheRecordsThatAreDamagedInTheCopy(t *testing.T) {
	e := newEstate(t)
	e.declare("grant \"ops\" { integration = \"crm\" }\ngrant \"broken\" { integration = \"crm\" }\n")
	config := e.path("/etc/webex-tokend/config.hcl")
	for _, grant := range []string{"ops", "broken"} {
		e.drop(grant, string(e.webex.Issue(emulator.REST, emulator.Consent{}).Response))
	}
	e.output("webex-tokend", "run", "--once", "--config", config)
	restore := func() string {
		t.Helper()
		if err := os.Rename(e.path("/var/lib/webex-tokend/store.db"), e.path("copy.db")); err != nil {
			t.Fatal(err)
		}
		said, err := e.command("webex-tokend", "restore", e.path("copy.db"), "--config", config).CombinedOutput()
		if err != nil {
			t.Fatalf("restore: %v\n%s", err, said)
		}
		return string(said)
	}
	if said := restore(); strings.Contains(said, "damaged") {
		t.Errorf("of a sound copy: %s", said)
	}
	e.damage("broken")
	if said := restore(); !strings.Contains(said, "webex-tokend: of 2 records, 1 damaged\n  see which: webex-tokend store check; ") {
		t.Errorf("of a damaged copy: %s", said)
	}
}

// A store or a backup that was not sealed used to be sealed at the start: so
// whoever could write the file gave the daemon records of his own.
func TestCommandsRefuseAStoreThatNobodySealed(t *testing.T) {
	e := newEstate(t)
	e.declare("grant \"ops\" { integration = \"crm\" }\n")
	if err := os.MkdirAll(e.path("/var/lib/webex-tokend"), 0o700); err != nil {
		t.Fatal(err)
	}
	there, copied := e.path("/var/lib/webex-tokend/store.db"), e.path("copy.db")
	kv, err := boltkv.Open(boltkv.Config{Path: copied})
	if err != nil {
		t.Fatal(err)
	}
	bare, err := store.Open(t.Context(), kv, store.Config{})
	if err == nil {
		_, err = bare.Put(t.Context(), store.Update{Record: &store.Record{Name: "ops", Integration: "crm"}, Expect: store.Absent})
	}
	if err := errors.Join(err, kv.Close()); err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(copied)
	if err != nil {
		t.Fatal(err)
	}
	refused := func(args ...string) {
		t.Helper()
		cmd := e.command("webex-tokend", append(args, "--config", e.path("/etc/webex-tokend/config.hcl"))...)
		said, err := cmd.CombinedOutput()
		if err == nil || cmd.ProcessState.ExitCode() != exitFailed ||
			!strings.Contains(string(said), "the store was never sealed, or its key slots were removed\n  ") {
			t.Errorf("%s: %v\n%s", args[0], err, said)
		}
	}
	refused("restore", copied)
	if _, err := os.Stat(there); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("restore put something there: %v", err)
	}
	refused("store", "check", copied)
	e.write("/var/lib/webex-tokend/store.db", string(content))
	refused("run", "--once")
	refused("store", "check")
	if e.read("/var/lib/webex-tokend/store.db") != string(content) {
		t.Error("the store was changed")
	}
}
