package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"

	"webex-tokend/daemon/emulator"
	"webex-tokend/daemon/wire"
)

// elsewhere is another host with the same Webex, key and configuration.
func (e *estate) elsewhere() *estate {
	e.t.Helper()
	there := &estate{t: e.t, dir: e.t.TempDir(), webex: e.webex, server: e.server}
	there.write("/.credentials/store.key", e.read("/.credentials/store.key"))
	for _, kind := range []emulator.Kind{emulator.REST, emulator.Meetings} {
		there.write("/etc/webex-tokend/"+string(kind)+".secret", e.webex.Client(kind).Secret)
	}
	there.declare(fleetBlock)
	return there
}

// fleetBlock declares grants of an integration that is not said to replace refresh
// tokens, which its server does.
const fleetBlock = `grant "tenant-*" { integration = "crm" }`

func tenant(n int) string { return fmt.Sprintf("tenant-%05d", n) }

// fleet registers that many grants and has the first one refreshed, which shows
// that the server replaces refresh tokens.
func (e *estate) fleet(grants int) {
	e.t.Helper()
	var lines bytes.Buffer
	for n := range grants {
		response := strings.TrimSpace(string(e.webex.Issue(emulator.REST, emulator.Consent{}).Response))
		fmt.Fprintf(&lines, "{\"grant\":%q,%s\n", tenant(n), strings.TrimPrefix(response, "{"))
	}
	e.write("/fleet.ndjson", lines.String())
	e.output("webex-tokend", "import", "--bulk", e.path("/fleet.ndjson"))
	e.output("webex-tokend", "refresh", tenant(0))
}

func (e *estate) states() map[string]int {
	e.t.Helper()
	counts := make(map[string]int)
	var list wire.Grants
	if err := json.Unmarshal([]byte(e.output("webex-tokend", "status", "--json")), &list); err != nil {
		e.t.Fatal(err)
	}
	for _, g := range list.Grants {
		counts[g.State]++
	}
	return counts
}

func (e *estate) all(state string, grants int) {
	e.t.Helper()
	if counts := e.states(); counts[state] != grants || len(counts) != 1 {
		e.t.Fatalf("%v, not %d %s", counts, grants, state)
	}
}

func (e *estate) configured(args ...string) []string {
	return append(args, "--config", e.path("/etc/webex-tokend/config.hcl"))
}

// A fleet could be moved only by one adopt for each of its grants.
func TestAMovedFleetNeedsNoAdopt(t *testing.T) {
	grants, err := strconv.Atoi(cmp.Or(os.Getenv("WEBEX_TOKEND_GRANTS"), "200"))
	if err != nil {
		t.Fatal(err)
	}
	here := newEstateWith(t, emulator.Config{Calm: true, Rotate: true, EndOnReuse: true})
	here.declare(fleetBlock)
	moved := here.command("webex-tokend", here.configured("run")...)
	if err := moved.Start(); err != nil {
		t.Fatal(err)
	}
	here.until("the daemon answers", func() bool { return here.command("webex-tokend", "status").Run() == nil })
	here.fleet(grants)
	here.output("webex-tokend", "backup", here.path("/plain.db"))
	here.output("webex-tokend", here.configured("backup", "--move", here.path("/moved.db"))...)
	if err := moved.Wait(); moved.ProcessState.ExitCode() != exitMoved {
		t.Fatalf("the daemon whose store was moved ended with %v", err)
	}

	there := here.elsewhere()
	there.output("webex-tokend", there.configured("restore", here.path("/moved.db"))...)
	there.start()
	there.all("ok", grants)
	there.output("webex-tokend", "refresh", tenant(0))
	there.output("webex-tokend", "refresh", tenant(grants-1))

	// A copy that nobody moved may be one of a fleet that is still refreshed.
	copied := here.elsewhere()
	copied.output("webex-tokend", copied.configured("restore", here.path("/plain.db"))...)
	copied.start()
	copied.all("unverified", grants)
	check := copied.command("webex-tokend", "check")
	if out, _ := check.CombinedOutput(); check.ProcessState.ExitCode() != 2 || !strings.Contains(string(out), "unverified") {
		t.Errorf("check ends with %d: %s", check.ProcessState.ExitCode(), out)
	}
	copied.output("webex-tokend", "adopt", "--all", "--count", strconv.Itoa(grants))
	copied.all("ok", grants)
}

// Ten of ten grants were lost: kind rest says that refresh tokens stay, its server
// replaced them, and both the source and its restored copy sent them.
func TestASourceAndItsCopyLoseNothing(t *testing.T) {
	const grants = 10
	here := newEstateWith(t, emulator.Config{Calm: true, Rotate: true, EndOnReuse: true})
	here.declare(fleetBlock)
	here.start()
	here.fleet(grants)
	here.output("webex-tokend", "backup", here.path("/copy.db"))
	copied := here.elsewhere()
	copied.output("webex-tokend", copied.configured("restore", here.path("/copy.db"))...)
	copied.start()
	lost := func() (n int) {
		for i := range grants {
			if here.command("webex-tokend", "refresh", tenant(i)).Run() != nil {
				n++
			}
			_ = copied.command("webex-tokend", "refresh", tenant(i)).Run() // which is refused where it is in doubt
		}
		return n
	}
	for range 2 {
		if n := lost(); n > 0 {
			t.Fatalf("%d of %d lost", n, grants)
		}
	}
	copied.all("unverified", grants)
	here.all("ok", grants)
	// Without the doubt they are lost: the server does end what is used twice.
	copied.output("webex-tokend", "adopt", "--all", "--yes")
	_ = lost()
	if n := lost(); n != grants {
		t.Errorf("only %d of %d are lost once both send: the test proves nothing", n, grants)
	}
}
