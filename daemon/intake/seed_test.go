package intake_test

import (
	"os"
	"strings"
	"syscall"
	"testing"

	"webex-tokend/store"
)

func TestASeedRegistersItsGrantOnce(t *testing.T) {
	h := newHost(t)
	h.write(h.seed, response("first"))
	for range 3 {
		if !h.seeds.ReadAll(t.Context(), h.config) {
			t.Fatal("the seed is of no use")
		}
	}
	if g := h.grant("ops"); g.State != string(store.OK) || g.Generation != 1 {
		t.Errorf("%s at generation %d", g.State, g.Generation)
	}
	h.write(h.seed, response("second"))
	h.seeds.ReadAll(t.Context(), h.config)
	h.write(h.seed, response("first"))
	h.seeds.ReadAll(t.Context(), h.config)
	if got := h.access("ops"); got != "access-second" {
		t.Errorf("an older seed is in force: %s", got)
	}
}

func TestASeedThatIsMissingIsTakenAsSoonAsItIsThere(t *testing.T) {
	h := newHost(t)
	if !h.seeds.ReadAll(t.Context(), h.config) {
		t.Error("a seed that is yet to come counts as a fault")
	}
	h.pends("ops", "seed missing")
	h.seeds.ReadMissing(t.Context())
	h.pends("ops", "seed missing")
	h.write(h.seed, response("late"))
	h.seeds.ReadMissing(t.Context())
	if got := h.access("ops"); got != "access-late" {
		t.Errorf("the token is %q", got)
	}
	if h.log.Len() != 0 {
		t.Errorf("a seed that is yet to come is told of:\n%s", h.log)
	}
}

func TestASeedOfNoUseIsTheReasonWhyItsGrantWaits(t *testing.T) {
	for _, c := range []struct {
		name string
		put  func(t *testing.T, path string)
	}{
		{"a page of HTML", func(t *testing.T, path string) { write(t, path, "<html>canary</html>") }},
		{"a truncated response", func(t *testing.T, path string) { write(t, path, response("canary")[:60]) }},
		{"an error answer", func(t *testing.T, path string) { write(t, path, `{"error":"invalid_grant","message":"canary"}`) }},
		{"a response without a refresh token", func(t *testing.T, path string) { write(t, path, `{"access_token":"canary","expires_in":1}`) }},
		{"a response of a time to come", func(t *testing.T, path string) {
			write(t, path, strings.Replace(response("canary"), "{", `{"issued_at":"2999-01-01T00:00:00Z",`, 1))
		}},
		{"an empty file", func(t *testing.T, path string) { write(t, path, "") }},
		{"more than 64 KiB", func(t *testing.T, path string) { write(t, path, response("canary")+strings.Repeat(" ", 64<<10)) }},
		{"a folder", func(t *testing.T, path string) {
			if err := os.Mkdir(path, 0o700); err != nil {
				t.Fatal(err)
			}
		}},
		{"a pipe that nobody writes to", func(t *testing.T, path string) {
			if err := syscall.Mkfifo(path, 0o600); err != nil {
				t.Fatal(err)
			}
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := newHost(t)
			c.put(t, h.seed)
			if h.seeds.ReadAll(t.Context(), h.config) {
				t.Error("it is of use")
			}
			h.pends("ops", "seed not usable: ")
			for range 5 {
				h.seeds.ReadMissing(t.Context())
			}
			if told := strings.Count(h.log.String(), "seed not usable"); told != 1 {
				t.Errorf("told %d times:\n%s", told, h.log)
			}
			if reason := h.grant("ops").Reason; strings.Contains(reason+h.log.String(), "canary") || strings.Contains(reason, "\n") {
				t.Errorf("content of the file is told: %s\n%s", reason, h.log)
			}
			if err := os.RemoveAll(h.seed); err != nil {
				t.Fatal(err)
			}
			h.seeds.ReadMissing(t.Context())
			h.pends("ops", "seed missing")
		})
	}
}

func TestASeedOfNoUseIsToldOfAtAReloadAlthoughItsGrantHasATokenAlready(t *testing.T) {
	h := newHost(t)
	h.write(h.seed, response("first"))
	h.seeds.ReadAll(t.Context(), h.config)
	h.write(h.seed, response("second")[:60])
	if h.seeds.ReadAll(t.Context(), h.config) {
		t.Error("it is of use")
	}
	if got := h.access("ops"); got != "access-first" {
		t.Errorf("the token is %q", got)
	}
	if !strings.Contains(h.log.String(), "seed not usable") {
		t.Error("nobody learns of it")
	}
}

func TestASeedDoesNotBringBackWhatWasRemoved(t *testing.T) {
	h := newHost(t)
	h.write(h.seed, response("first"))
	h.seeds.ReadAll(t.Context(), h.config)
	if err := h.fleet.Registry.Remove(t.Context(), "ops"); err != nil {
		t.Fatal(err)
	}
	h.seeds.ReadAll(t.Context(), h.config)
	h.seeds.ReadMissing(t.Context())
	h.pends("ops", "nothing registered")
	h.write(h.seed, response("another"))
	h.seeds.ReadMissing(t.Context())
	if got := h.access("ops"); got != "access-another" {
		t.Errorf("the token is %q", got)
	}
}

func TestABareLineIsTheTokenThatItsGrantNeeds(t *testing.T) {
	h := newHost(t)
	h.write(h.seed, "bare-refresh-token-0123456789\n")
	h.write(h.seed+".bot", "bare-access-token-0123456789\n")
	h.seeds.ReadAll(t.Context(), h.config)
	if g := h.grant("ops"); g.State != string(store.OK) || g.Generation != 0 || h.access("ops") != "" {
		t.Errorf("a refresh token makes it %s at generation %d", g.State, g.Generation)
	}
	if got := h.access("helper"); got != "bare-access-token-0123456789" {
		t.Errorf("the token of the bot is %q", got)
	}
}

func TestAStoreThatRefusesASeedIsAskedAgain(t *testing.T) {
	h := newHost(t)
	h.write(h.seed, response("first"))
	h.disk.full.Store(true)
	if h.seeds.ReadAll(t.Context(), h.config) {
		t.Error("it is stored")
	}
	h.pends("ops", "seed not usable: ")
	h.disk.full.Store(false)
	h.seeds.ReadMissing(t.Context())
	if got := h.access("ops"); got != "access-first" {
		t.Errorf("the token is %q", got)
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
