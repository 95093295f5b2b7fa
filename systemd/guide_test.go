package systemd_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"webex-tokend/daemon/emulator"
	"webex-tokend/daemon/emulator/lab"
)

// An operator follows the guide on a machine. What it says of files and output
// must come true to the letter, as far as sameAs counts letters.
type operator struct {
	*machine
	webex *webex
}

// The guide is followed in order. It begins on one machine, and after the loss
// of its disk it goes on with another one, to which nothing comes but what lies
// on the operator's stick and with the backups.
func TestTheGuide(t *testing.T) {
	deb := shipped(t)
	webex, stick, backups := newWebex(t), "--bind="+t.TempDir()+":/media/usb", "--bind="+t.TempDir()+":/mnt/backup"
	// The first consent is a month old when it is renewed: its answer and that of
	// a refresh say so.
	month := lab.Alter(func(fields map[string]any) { fields["refresh_token_expires_in"] = 60 * 24 * 3600 })
	webex.Script(month, month)
	chapters := readGuide(t)
	restore, upgrade := chapters.find(t, "Restore"), chapters.find(t, "Upgrade")

	followed := t.Run("until the disk is lost", func(t *testing.T) {
		o := employ(t, webex, deb, stick, backups)
		o.receiveResponse()
		for _, c := range chapters[:restore] {
			o.follow(t, c)
		}
		// A guide that is wrong is found out.
		if o.take(step{command: "webex-tokend status", text: "1 grant, all good\n...\n"}) == nil {
			t.Error("a transcript passes that does not tell what happens")
		}
	})
	if !followed {
		return
	}
	t.Run("on another host", func(t *testing.T) {
		o := employ(t, webex, deb, stick, backups)
		for _, c := range chapters[restore:upgrade] {
			o.follow(t, c)
		}
		o.run("rm packages/*.deb")
		o.receive(later(t, deb))
		for _, c := range chapters[upgrade:] {
			o.follow(t, c)
		}
	})
}

// shipped builds the packages and returns the path of the deb.
func shipped(t *testing.T) string {
	t.Helper()
	debs, err := filepath.Glob(filepath.Join(packed(t), "*.deb"))
	if err != nil || len(debs) != 1 {
		t.Fatalf("packages %v, %v", debs, err)
	}
	return debs[0]
}

// later makes the package of the next version, with the same content.
func later(t *testing.T, deb string) string {
	t.Helper()
	next := filepath.Join(t.TempDir(), "webex-tokend_99.0_all.deb")
	repack := exec.Command("sh", "-ec", `
		dpkg-deb --raw-extract "$1" "$3"
		sed -i 's/^Version: .*/Version: 99.0/' "$3/DEBIAN/control"
		dpkg-deb --root-owner-group -Znone --build "$3" "$2"`, "sh", deb, next, filepath.Join(t.TempDir(), "tree"))
	if out, err := repack.CombinedOutput(); err != nil {
		t.Fatalf("make a later package: %v: %s", err, out)
	}
	return next
}

// employ gives an operator a machine with these options, and a package.
func employ(t *testing.T, webex *webex, deb string, options ...string) *operator {
	t.Helper()
	o := &operator{boot(t, options...), webex}
	webex.serve(o.machine)
	o.receive(deb)
	return o
}

// receive brings a package to where .ci/package puts it, below the operator's
// home.
func (o *operator) receive(path string) {
	o.t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		o.t.Fatal(err)
	}
	cmd := o.command(o.t.Context(), "mkdir -p packages && cat >'packages/"+filepath.Base(path)+"'")
	cmd.Stdin = bytes.NewReader(content)
	if out, err := cmd.CombinedOutput(); err != nil {
		o.t.Fatalf("%v: %s", err, out)
	}
}

// otherPerson consented to grant "reports" somewhere else.
const otherPerson = "kim.lee@acme.example"

// receiveResponse brings the token response of the other person.
func (o *operator) receiveResponse() {
	o.t.Helper()
	issued := o.webex.Issue(emulator.REST, emulator.Consent{Email: otherPerson})
	o.write("/root/response.json", string(issued.Response))
}

// follow takes the steps of a chapter, and ends at the first that goes wrong.
func (o *operator) follow(t *testing.T, c chapter) {
	done := t.Run(c.title, func(t *testing.T) {
		o := &operator{o.in(t), o.webex}
		for _, s := range c.steps {
			if err := o.take(s); err != nil {
				t.Fatal(err)
			}
		}
	})
	if !done {
		t.FailNow()
	}
}

// take takes a step and says how far it differs from what the guide says.
func (o *operator) take(s step) error {
	o.t.Helper()
	if s.file != "" {
		o.write(s.file, s.text)
		return nil
	}
	if printed := o.do(s.command); !sameAs(printed, s.text) {
		return fmt.Errorf("$ %s\n%s\n\nThe guide says\n\n%s", s.command, printed, s.text)
	}
	return nil
}

// do gives a command, which must succeed, and returns what stands on the
// terminal then. A command that asks for consent has a person at hand.
func (o *operator) do(command string) string {
	o.t.Helper()
	defer o.settle()
	if strings.HasPrefix(command, "webex-tokend authorize") {
		return o.authorize(command)
	}
	return o.run(command)
}

// settle waits as long as an operator takes to type the next command: until the
// files carry the token that the grant has.
func (o *operator) settle() {
	o.t.Helper()
	o.until(nil, func() bool {
		var status struct {
			Grants []struct {
				Generation int
				Outputs    []struct{ State string }
			}
		}
		text, code := o.try("webex-tokend status --json")
		if code != 0 {
			return true // there is no daemon, so nobody works on anything
		}
		if err := json.Unmarshal([]byte(text), &status); err != nil {
			o.t.Fatal(err)
		}
		for _, g := range status.Grants {
			for _, output := range g.Outputs {
				if g.Generation > 0 && output.State == "behind" {
					return false
				}
			}
		}
		return true
	})
}

// consentLink is where a person is sent to consent.
var consentLink = regexp.MustCompile(`(?s)  (https://webexapis\.com/\S+)\n.*here: $`)

// authorize consents at the link that the command prints, and types the address
// at which the browser ends. What is typed stands on the terminal too.
func (o *operator) authorize(command string) string {
	o.t.Helper()
	ctx, cancel := context.WithTimeout(o.t.Context(), patience)
	defer cancel()
	cmd := o.command(ctx, command)
	screen := &transcript{}
	cmd.Stdout, cmd.Stderr = screen, screen
	keyboard, err := cmd.StdinPipe()
	if err != nil {
		o.t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		o.t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	for asked := false; ; {
		select {
		case err := <-ended:
			if err != nil {
				o.t.Fatalf("%s: %v: %s", command, err, screen)
			}
			return screen.String()
		case <-time.After(20 * time.Millisecond):
		}
		link := consentLink.FindStringSubmatch(screen.String())
		if link == nil || asked {
			continue
		}
		asked = true
		typed := o.webex.consent(o.machine, link[1]) + "\n"
		_, _ = screen.Write([]byte(typed))
		if _, err := keyboard.Write([]byte(typed)); err != nil {
			o.t.Fatal(err)
		}
	}
}
