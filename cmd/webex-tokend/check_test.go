package main

import (
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"webex-tokend/daemon/emulator"
)

// negate runs a plugin as monitoring systems do, swaps what its exit code says,
// with --substitute in its text too, and takes one that breaks the rules for
// UNKNOWN. Debian has it in monitoring-plugins-basic.
const negate = "/usr/lib/nagios/plugins/negate"

func TestARunnerOfMonitoringPluginsUnderstandsTheCheck(t *testing.T) {
	needs(t, negate)
	e := newEstate(t)
	e.declare(`
grant "ops" { integration = "crm" }
grant "winter" { integration = "crm" }
`)
	e.start()
	e.register("ops", emulator.REST)
	e.register("winter", emulator.REST)
	plugin, err := exec.LookPath("webex-tokend")
	if err != nil {
		t.Fatal(err)
	}
	run := func(swap, args []string) (string, int) {
		t.Helper()
		out, err := e.command(negate, slices.Concat(swap, []string{plugin, "check"}, args)...).Output()
		exit, failed := errors.AsType[*exec.ExitError](err)
		switch {
		case failed:
			return string(out), exit.ExitCode()
		case err != nil:
			t.Fatal(err)
		}
		return string(out), 0
	}
	for _, c := range []struct {
		name  string
		swap  []string
		args  []string
		code  int
		begin string
	}{
		{"all is well", []string{"--ok=CRITICAL"}, nil, 2, "WEBEX-TOKEND OK - 2 grants, all good"},
		{"a window is near", []string{"--substitute", "--warning=OK"}, []string{"-w", "400d"}, 0, "WEBEX-TOKEND OK - "},
		{"a window is nearer", []string{"--substitute", "--critical=WARNING"}, []string{"-w", "400d", "-c", "300d"}, 1, "WEBEX-TOKEND WARNING - "},
		{"a usage fault", []string{"--substitute", "--unknown=OK"}, []string{"-w", "1d", "-c", "2d"}, 0, "WEBEX-TOKEND OK - -c is longer than -w"},
		{"nobody answers", []string{"--substitute", "--critical=UNKNOWN"}, []string{"--socket", e.path("nowhere.sock")}, 3, "WEBEX-TOKEND UNKNOWN - daemon is not reachable"},
	} {
		text, code := run(c.swap, c.args)
		if code != c.code || !strings.HasPrefix(text, c.begin) || strings.Count(text, "\n") != 1 {
			t.Errorf("%s: exit %d, %q", c.name, code, text)
		}
		_, data, found := strings.Cut(strings.TrimSuffix(text, "\n"), " | ")
		for datum := range strings.FieldsSeq(data) {
			if !perfDatum.MatchString(datum) {
				t.Errorf("%s: %q is no performance data", c.name, datum)
			}
		}
		if asked := c.name != "a usage fault" && c.name != "nobody answers"; found != asked {
			t.Errorf("%s: there is performance data: %v", c.name, found)
		}
	}
}

func TestAKeyThatIsGoneIsTheWorstThatCanBeToldOfAStore(t *testing.T) {
	e := newEstate(t)
	e.declare(`grant "bot" { integration = "bots" }
integration "bots" { kind = "static" }
`)
	e.start()
	e.take("bot", `{"access_token":"a-token-of-a-bot"}`)
	check := func() string {
		out, _ := e.command("webex-tokend", "check").Output()
		return string(out)
	}
	if out := check(); !strings.Contains(out, "OK - 1 grant, all good; no recovery key") || !strings.Contains(out, " store_keys=1;;;0 ") {
		t.Errorf("with one key: %s", out)
	}
	e.output("webex-tokend", "key", "recovery", "--out", e.path("second.key"))
	if out := check(); strings.Contains(out, "no recovery key") || !strings.Contains(out, " store_keys=2;;;0 ") {
		t.Errorf("with two keys: %s", out)
	}
	lost := e.path(".credentials/store.key")
	e.output("mv", lost, lost+".gone")
	const want = "WEBEX-TOKEND CRITICAL - the store will not open at the next start: there is no store key in "
	if out := check(); !strings.HasPrefix(out, want) {
		t.Errorf("without its key: %s", out)
	}
	if out := e.output("webex-tokend", "status"); !strings.Contains(out, "\n  while it runs: webex-tokend key recovery --out FILE\n") {
		t.Errorf("status without its key:\n%s", out)
	}
	e.output("webex-tokend", "key", "init", lost)
	if out := check(); !strings.Contains(out, "store.key is not one of this store's") {
		t.Errorf("with a foreign key: %s", out)
	}
	e.output("cp", e.path("second.key"), lost)
	if out := check(); !strings.Contains(out, "OK - 1 grant, all good") {
		t.Errorf("with its second key: %s", out)
	}
}

// A verdict that nobody could read exited with 1, which is WARNING.
func TestACheckThatCannotWriteItsVerdictIsUnknown(t *testing.T) {
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Skip(err)
	}
	defer full.Close()
	for _, args := range [][]string{{"check"}, {"check", "--no-such-flag"}} {
		args = append(args, "--socket", filepath.Join(t.TempDir(), "none"))
		if code := run(t.Context(), args, strings.NewReader(""), full, io.Discard); code != 3 {
			t.Errorf("%v exits with %d", args, code)
		}
	}
}
