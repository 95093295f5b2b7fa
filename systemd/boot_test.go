// Package systemd_test boots a real systemd and runs the shipped units in it.
package systemd_test

import (
	"path/filepath"
	"strings"
	"testing"
)

// install does what README.md says, and declares one grant that no endpoint is
// needed for. The users and groups stand for those of consumers.
func install(t *testing.T) *machine {
	t.Helper()
	bootable(t)
	program, err := program()
	if err != nil {
		t.Fatal(err)
	}
	units, err := filepath.Abs(".")
	if err != nil {
		t.Fatal(err)
	}
	m := boot(t, "--bind-ro="+units+":/stage", "--bind-ro="+program+":/usr/bin/webex-tokend")
	m.run(`install -Dm644 /stage/sysusers.conf /usr/lib/sysusers.d/webex-tokend.conf
		install -Dm644 /stage/tmpfiles.conf /usr/lib/tmpfiles.d/webex-tokend.conf
		systemd-sysusers webex-tokend.conf
		systemd-tmpfiles --create webex-tokend.conf
		install -Dm644 /stage/webex-tokend.service /etc/systemd/system/webex-tokend.service
		useradd --system crm
		useradd --system alice`)
	m.configure(config)
	m.write("/etc/systemd/system/webex-tokend.service.d/groups.conf", "[Service]\nSupplementaryGroups=crm")
	m.run("systemctl daemon-reload")
	return m
}

const config = `
integration "bots" { kind = "static" }
grant "ops" {
  integration = "bots"
  file {
    path  = "/run/webex-tokend/tokens/ops"
    mode  = "0640"
    group = "crm"
  }
}
allow {
  users   = ["crm"]
  units   = ["consumer.service"]
  actions = ["token"]
  grants  = ["ops"]
}`

func (m *machine) configure(text string) {
	m.t.Helper()
	m.write("/etc/webex-tokend/config.hcl", text)
	m.run("chown root:webex-tokend /etc/webex-tokend/config.hcl && chmod 0640 /etc/webex-tokend/config.hcl")
}

// start starts the service, which returns when it is ready, and registers the
// grant.
func (m *machine) start() {
	m.t.Helper()
	if out, code := m.try("systemctl start webex-tokend"); code != 0 {
		m.t.Fatal(out)
	}
	m.run("printf the-token | webex-tokend import ops -")
	m.awaits("test -s /run/webex-tokend/tokens/ops")
}

// show reads a property of the service.
func (m *machine) show(property string) string {
	m.t.Helper()
	return m.run("systemctl show --value -p " + property + " webex-tokend")
}

// equal compares what a script prints.
func (m *machine) equal(script, want string) {
	m.t.Helper()
	if got, code := m.try(script); got != want || code != 0 {
		m.t.Errorf("%s: exit code %d, printed %q, not %q", script, code, got, want)
	}
}

// fails compares the exit code of a script and looks for a word of what it says.
func (m *machine) fails(script string, want int, says string) {
	m.t.Helper()
	if got, code := m.try(script); code != want || !strings.Contains(got, says) {
		m.t.Errorf("%s: exit code %d, not %d, printed %q", script, code, want, got)
	}
}

func TestTheServiceUnderARealSystemd(t *testing.T) {
	m := install(t)
	m.start()

	t.Run("it is ready when systemctl start returns", func(t *testing.T) {
		m := m.in(t)
		m.equal("systemctl is-active webex-tokend", "active")
		m.equal("webex-tokend status ops | head -n 1", "ops  ok")
	})
	t.Run("the first start makes the key of the store", func(t *testing.T) {
		m := m.in(t)
		m.equal("stat -c '%a %U %G' /etc/webex-tokend/store.key", "440 root webex-tokend")
	})
	t.Run("a token file has its owner, group and mode", func(t *testing.T) {
		m := m.in(t)
		m.equal("stat -c '%a %U %G' /run/webex-tokend/tokens/ops", "640 webex-tokend crm")
		m.equal("runuser -u crm -- cat /run/webex-tokend/tokens/ops", "the-token")
		m.fails("runuser -u alice -- cat /run/webex-tokend/tokens/ops", 1, "denied")
	})
	t.Run("the kernel tells users apart", func(t *testing.T) {
		m := m.in(t)
		m.equal("runuser -u crm -- webex-tokend token ops", "the-token")
		m.fails("runuser -u alice -- webex-tokend token ops", 77, "not allowed")
	})
	t.Run("a unit is recognised whoever it runs as", func(t *testing.T) {
		m := m.in(t)
		const asks = "systemd-run -q --collect --wait --pipe -p User=alice --unit="
		m.equal(asks+"consumer webex-tokend token ops", "the-token")
		m.fails(asks+"stranger webex-tokend token ops", 77, "not allowed")
	})
	t.Run("systemd hands the token to a unit as its credential", func(t *testing.T) {
		m := m.in(t)
		const asks = "systemd-run -q --collect --wait --pipe -p User=alice -p LoadCredential=webex:/run/webex-tokend/credential.sock "
		m.equal(asks+`--unit=consumer sh -c 'cat "$CREDENTIALS_DIRECTORY/webex"'`, "the-token")
		m.equal(asks+`--unit=stranger sh -c 'cat "$CREDENTIALS_DIRECTORY/webex"'`, "")
	})
	t.Run("who was given the token is told", func(t *testing.T) {
		m := m.in(t)
		status := m.run("webex-tokend status ops")
		for _, reader := range []string{"read by       crm, ", "read by       alice in consumer.service, ", "read by       root in consumer.service, "} {
			if !strings.Contains(status, reader) {
				t.Errorf("no %q in\n%s", reader, status)
			}
		}
		if journal := m.run("journalctl -o cat -u webex-tokend"); !strings.Contains(journal, "unit=consumer.service") || strings.Contains(journal, "the-token") {
			t.Errorf("the log does not name the unit, or holds the token:\n%s", journal)
		}
	})
	t.Run("reload takes over a configuration and refuses a faulty one", func(t *testing.T) {
		m := m.in(t)
		m.configure(config + "\ngrant \"more\" { integration = \"bots\" }")
		m.run("systemctl reload webex-tokend")
		m.run("webex-tokend status more")
		m.configure(config + "\ngrant \"bad\" {}")
		m.fails("systemctl reload webex-tokend", 1, "")
		m.equal("systemctl is-active webex-tokend", "active")
		m.configure(config)
	})
	t.Run("validate names what root can read and the daemon cannot", func(t *testing.T) {
		m := m.in(t)
		m.run("chmod 600 /etc/webex-tokend/config.hcl")
		m.fails("webex-tokend validate", 0, "unit: user webex-tokend cannot read /etc/webex-tokend/config.hcl: chgrp webex-tokend ")
		m.configure(config)
		if out := m.run("webex-tokend validate"); strings.Contains(out, "cannot read") {
			t.Error(out)
		}
	})
	t.Run("a killed daemon comes back with what it had", func(t *testing.T) {
		m := m.in(t)
		before := m.show("NRestarts")
		m.run("systemctl kill -s KILL webex-tokend")
		m.awaits(`test "$(systemctl show --value -p NRestarts webex-tokend)" -gt ` + before + ` && systemctl is-active webex-tokend`)
		m.equal("webex-tokend token ops", "the-token")
	})
	t.Run("stop ends it in order", func(t *testing.T) {
		m := m.in(t)
		m.run("systemctl stop webex-tokend")
		if result, code := m.show("Result"), m.show("ExecMainStatus"); result != "success" || code != "0" {
			t.Errorf("result %s, exit code %s", result, code)
		}
		m.fails("test -e /run/webex-tokend", 1, "")
	})
}

func TestADaemonThatHangsIsEndedAndStartedByTheWatchdog(t *testing.T) {
	m := install(t)
	// A stopped process does not hear SIGABRT; a shorter way to SIGKILL spares
	// the test a minute and a half.
	m.write("/etc/systemd/system/webex-tokend.service.d/watchdog.conf", "[Service]\nWatchdogSec=3\nTimeoutAbortSec=1")
	m.run("systemctl daemon-reload")
	m.start()
	before, restarts := m.show("MainPID"), m.show("NRestarts")
	m.run("kill -STOP " + before)
	m.awaits(`test "$(systemctl show --value -p NRestarts webex-tokend)" -gt ` + restarts + ` && systemctl is-active webex-tokend`)
	if now := m.show("MainPID"); now == before {
		t.Errorf("process %s goes on", now)
	}
	m.equal("webex-tokend token ops", "the-token")
}

func TestSocketsOfSystemdStayWhileTheDaemonIsAway(t *testing.T) {
	m := install(t)
	m.run(`install -m644 /stage/webex-tokend.socket /stage/webex-tokend-credential.socket /etc/systemd/system/
		install -m644 /stage/sockets.conf /etc/systemd/system/webex-tokend.service.d/
		systemctl daemon-reload
		systemctl start webex-tokend.socket webex-tokend-credential.socket`)
	m.fails("systemctl is-active webex-tokend", 3, "inactive")
	// Whoever connects starts the daemon and waits for it.
	m.run("printf the-token | webex-tokend import ops -")
	m.equal("systemctl is-active webex-tokend", "active")
	m.equal("stat -c '%a' /run/webex-tokend/api.sock /run/webex-tokend/credential.sock | xargs", "666 600")

	m.run("systemctl stop webex-tokend.service")
	m.fails("systemctl is-active webex-tokend", 3, "inactive")
	m.equal(`systemd-run -q --collect --wait --pipe --unit=consumer -p LoadCredential=ops:/run/webex-tokend/credential.sock \
		sh -c 'cat "$CREDENTIALS_DIRECTORY/ops"'`, "the-token")
	m.equal("systemctl is-active webex-tokend", "active")
	m.equal("runuser -u crm -- webex-tokend token ops", "the-token")
}
