package systemd_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// packed returns the folder of the packages.
func packed(t *testing.T) string {
	t.Helper()
	bootable(t)
	folder, err := built()
	if err != nil {
		t.Fatal(err)
	}
	return folder
}

// built builds the packages, once for all tests.
var built = sync.OnceValues(func() (string, error) {
	folder := filepath.Join(scratch, "packages")
	build := exec.Command("../.ci/package", folder)
	build.Stderr = os.Stderr
	if _, err := build.Output(); err != nil {
		return "", fmt.Errorf("build the packages: %w", err)
	}
	return folder, nil
})

func TestThePackageOnAHostThatNeverHadIt(t *testing.T) {
	m := boot(t, "--bind-ro="+packed(t)+":/packages")
	m.run("dpkg -i /packages/*.deb")

	t.Run("its installation starts nothing", func(t *testing.T) {
		m := m.in(t)
		m.fails("systemctl is-active webex-tokend", 3, "inactive")
		m.fails("systemctl is-enabled webex-tokend", 1, "disabled")
	})
	t.Run("its folder and configuration have their owners", func(t *testing.T) {
		m := m.in(t)
		m.equal("stat -c '%a %U %G' /etc/webex-tokend /etc/webex-tokend/config.hcl | xargs", "750 root webex-tokend 644 root root")
	})
	t.Run("it starts with the configuration that it brought", func(t *testing.T) {
		m := m.in(t)
		m.run("systemctl enable --now webex-tokend")
		m.equal("systemctl is-active webex-tokend", "active")
		m.run("webex-tokend status")
		m.run("webex-tokend validate")
	})
	t.Run("the blocks that it shows are valid", func(t *testing.T) {
		m := m.in(t)
		m.run(`echo the-secret >/etc/webex-tokend/crm.secret && chgrp webex-tokend /etc/webex-tokend/crm.secret && chmod 640 /etc/webex-tokend/crm.secret
			sed '/^# integration/,/^$/s/^# \?//' /etc/webex-tokend/config.hcl >/tmp/config.hcl`)
		if plan := m.run("webex-tokend validate --config /tmp/config.hcl"); !strings.Contains(plan, "grant ops") {
			t.Errorf("they declare no grant: %s", plan)
		}
	})
	t.Run("members of its group see the grants", func(t *testing.T) {
		m := m.in(t)
		m.run("useradd --system --groups webex-tokend alice && useradd --system mallory")
		m.run("runuser -u alice -- webex-tokend status")
		m.fails("runuser -u mallory -- webex-tokend status", 77, "not allowed")
	})
	t.Run("what it brought is used where it lies", func(t *testing.T) {
		m := m.in(t)
		m.run("test -x /usr/bin/webex-tokend && webex-tokend completion bash | cmp - /usr/share/bash-completion/completions/webex-tokend")
		m.run("gzip -t /usr/share/doc/webex-tokend/*.gz")
		m.run("for page in man8/webex-tokend.8 man5/webex-tokend.hcl.5 man1/webex-token.1 man7/webex-tokend-portal.7 man7/webex-tokend-recipes.7; do name=${page#*/}; zcat /usr/share/man/$page.gz >/tmp/page && webex-tokend man ${name%.*} | cmp - /tmp/page || exit; done")
		m.run(`install -Dm644 /usr/share/doc/webex-tokend/examples/sockets.conf /etc/systemd/system/webex-tokend.service.d/sockets.conf
			systemctl daemon-reload
			systemctl stop webex-tokend
			systemctl enable --now webex-tokend.socket webex-tokend-credential.socket
			systemctl start webex-tokend`)
	})
	m.configure(config)
	m.run("useradd --system crm && systemctl reload webex-tokend && printf the-token | webex-tokend import ops -")

	t.Run("an upgrade restarts the service and keeps what it has", func(t *testing.T) {
		m := m.in(t)
		before := m.show("MainPID")
		m.run("dpkg -i /packages/*.deb")
		if now := m.show("MainPID"); now == before || now == "0" {
			t.Errorf("process %s, and %s before", now, before)
		}
		m.equal("webex-tokend token ops", "the-token")
		m.equal("stat -c '%a %U %G' /etc/webex-tokend | xargs", "750 root webex-tokend")
	})
	t.Run("an upgrade leaves a stopped service alone", func(t *testing.T) {
		m := m.in(t)
		m.run("systemctl stop webex-tokend && dpkg -i /packages/*.deb")
		m.fails("systemctl is-active webex-tokend", 3, "inactive")
		m.run("systemctl start webex-tokend")
	})
	t.Run("its removal ends the service and keeps configuration and store", func(t *testing.T) {
		m := m.in(t)
		m.run("dpkg -r webex-tokend")
		m.fails("systemctl is-active webex-tokend", 3, "inactive")
		m.run("! pidof webex-tokend && ! find /etc/systemd -xtype l | grep webex-tokend")
		m.run("test -s /etc/webex-tokend/config.hcl && test -s /var/lib/webex-tokend/store.db")
	})
	t.Run("a purge keeps store and key, and says so", func(t *testing.T) {
		m := m.in(t)
		if said := m.run("dpkg -P webex-tokend"); !strings.Contains(said, "rm -r /var/lib/webex-tokend /etc/webex-tokend") {
			t.Errorf("it does not say what it keeps: %s", said)
		}
		m.run("test -s /etc/webex-tokend/store.key && ! test -e /etc/webex-tokend/config.hcl && test -s /var/lib/webex-tokend/store.db")
	})
	t.Run("installed again, it has its grants", func(t *testing.T) {
		m := m.in(t)
		m.run("dpkg -i /packages/*.deb")
		m.configure(config)
		m.run("systemctl start webex-tokend")
		m.equal("webex-tokend token ops", "the-token")
	})
}
