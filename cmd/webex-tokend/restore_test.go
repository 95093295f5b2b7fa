package main

import (
	"os"
	"strings"
	"testing"

	"webex-tokend/daemon/emulator"
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
