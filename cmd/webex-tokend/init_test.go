package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func TestASecretIsTypedUnseen(t *testing.T) {
	config := filepath.Join(t.TempDir(), "config.hcl")
	x := inTerminal(t, nil, "init", "--config", config)
	for _, question := range []string{"Kind of integration", "Name of the integration", "Name of the grant", "Scopes, with", "Redirect URL"} {
		x.sees(question)
		x.types("\n")
	}
	x.sees("Client ID: ")
	x.types("C0ffee\n")
	x.sees("C0ffee") // what is typed is shown until now
	x.sees("Client secret (not shown): ")
	if !x.hides() {
		t.Fatal("the terminal shows what is typed")
	}
	x.types("my-client-secret\n")
	x.sees("Go on with the consent now?")
	x.types("n\n")
	if code := x.exits(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	if strings.Contains(x.text(), "my-client") {
		t.Error("the secret was shown")
	}
	if x.typed > 40 {
		t.Errorf("%d keystrokes for what takes an ID, a secret and Enter", x.typed)
	}
	if text, err := os.ReadFile(filepath.Join(filepath.Dir(config), "webex.secret")); err != nil || string(text) != "my-client-secret\n" {
		t.Errorf("secret %q, %v", text, err)
	}
}

// After Ctrl-C at the question for the secret the shell showed nothing that was
// typed any more.
func TestCtrlCAtTheSecretLeavesTheTerminalAsItWas(t *testing.T) {
	folder := t.TempDir()
	x := inTerminal(t, nil, "init", "--config", filepath.Join(folder, "config.hcl"), "--kind", "rest", "--integration", "crm", "--grant", "ops",
		"--scope", "spark:rooms_read", "--redirect-url", "http://127.0.0.1:8411/oauth", "--client-id", "C0ffee")
	x.sees("Client secret (not shown): ")
	if !x.hides() {
		t.Fatal("the terminal shows what is typed")
	}
	x.types("\x03")
	if code := x.exits(); code != exitFailed {
		t.Errorf("exit code %d", code)
	}
	if state, err := unix.IoctlGetTermios(int(x.side.Fd()), unix.TCGETS); err != nil || state.Lflag&unix.ECHO == 0 {
		t.Errorf("the terminal shows nothing any more: %v", err)
	}
	if files, err := os.ReadDir(folder); err != nil || len(files) > 0 {
		t.Errorf("something was written: %v, %v", files, err)
	}
}
