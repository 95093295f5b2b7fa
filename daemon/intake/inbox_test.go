package intake_test

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"webex-tokend/daemon/intake"
)

// drop writes a file into the inbox with the mtime of that instant.
func (h *host) drop(file, text string, written time.Time) {
	h.t.Helper()
	path := filepath.Join(h.inbox.Dir, file)
	h.write(path, text)
	if err := os.Chtimes(path, written, written); err != nil {
		h.t.Fatal(err)
	}
}

// dropped is a file that was renamed into the inbox whole.
func (h *host) dropped(file, text string) { h.drop(file, text, h.now.Add(-time.Hour)) }

func (h *host) take() intake.Taken {
	h.t.Helper()
	taken, err := h.inbox.Take(h.t.Context())
	if err != nil {
		h.t.Fatal(err)
	}
	return taken
}

// left lists what is in the inbox or a folder in it.
func (h *host) left(folder string) (list []string) {
	h.t.Helper()
	entries, err := os.ReadDir(filepath.Join(h.inbox.Dir, folder))
	if err != nil {
		h.t.Fatal(err)
	}
	for _, e := range entries {
		if e.Name() != "rejected" {
			list = append(list, e.Name())
		}
	}
	return list
}

func TestAFileThatWasRenamedIntoTheInboxIsTakenAtOnce(t *testing.T) {
	h := newHost(t)
	h.dropped("tenant-1.json", response("one"))
	h.dropped("bot-1.json", "bare-access-token-0123456789")
	if got := h.take(); got != (intake.Taken{}) {
		t.Errorf("%+v", got)
	}
	if h.access("tenant-1") != "access-one" || h.access("bot-1") != "bare-access-token-0123456789" {
		t.Errorf("tokens %q and %q", h.access("tenant-1"), h.access("bot-1"))
	}
	if left := h.left("."); len(left) != 0 {
		t.Errorf("left: %v", left)
	}
	if strings.Contains(h.log.String(), "access-one") {
		t.Error("a token is in the log")
	}
}

func TestAFileThatIsBeingWrittenIsTakenTwoSecondsAfterItsLastChange(t *testing.T) {
	h := newHost(t)
	whole := response("one")
	waits := func(why string) {
		t.Helper()
		if got := h.take(); got != (intake.Taken{Waiting: 1}) {
			t.Fatalf("%s: %+v", why, got)
		}
	}
	h.drop("tenant-1.json", whole[:50], h.now)
	waits("it has just appeared")
	h.now = h.now.Add(1900 * time.Millisecond)
	waits("it has not been still for long")
	h.drop("tenant-1.json", whole[:100], h.now)
	waits("it has grown")
	h.now = h.now.Add(1900 * time.Millisecond)
	h.drop("tenant-1.json", whole[:100], h.now)
	waits("it was written again")
	h.drop("tenant-1.json", whole, h.now)
	waits("it has grown")
	h.now = h.now.Add(2 * time.Second)
	if got := h.take(); got != (intake.Taken{}) || h.access("tenant-1") != "access-one" {
		t.Errorf("%+v, token %q", got, h.access("tenant-1"))
	}
}

func TestAFileFromTheFutureIsTakenWhenItIsStill(t *testing.T) {
	h := newHost(t)
	h.drop("tenant-1.json", response("one"), h.now.Add(time.Hour))
	if got := h.take(); got.Waiting != 1 {
		t.Errorf("%+v", got)
	}
	h.now = h.now.Add(2 * time.Second)
	if h.take(); h.access("tenant-1") != "access-one" {
		t.Error("it was not taken")
	}
}

func TestAClockThatIsSetBackDelaysAFileForSecondsOnly(t *testing.T) {
	h := newHost(t)
	h.drop("tenant-1.json", response("one"), h.now)
	h.take()
	h.now = h.now.Add(-24 * time.Hour)
	h.take()
	h.now = h.now.Add(2 * time.Second)
	if h.take(); h.access("tenant-1") != "access-one" {
		t.Error("it was not taken")
	}
}

func TestWhatIsNotForTheInboxIsLeftAlone(t *testing.T) {
	h := newHost(t)
	for _, name := range []string{".tenant-1.json", "tenant-1.json.tmp", "tenant-1.part"} {
		h.dropped(name, response("one"))
	}
	if err := os.Mkdir(filepath.Join(h.inbox.Dir, "tenant-2.json"), 0o700); err != nil {
		t.Fatal(err)
	}
	if got := h.take(); got != (intake.Taken{}) {
		t.Errorf("%+v", got)
	}
	if left := h.left("."); !slices.Equal(left, []string{".tenant-1.json", "tenant-1.json.tmp", "tenant-1.part", "tenant-2.json"}) {
		t.Errorf("left: %v", left)
	}
}

func TestAFileOfNoUseIsRejectedWithItsReason(t *testing.T) {
	for _, c := range []struct {
		name string
		file string
		text string
		says string
	}{
		{"a page of HTML", "tenant-1.json", "<html>canary</html>", "usable"},
		{"a truncated response", "tenant-1.json", response("canary")[:60], "cut short"},
		{"a time of issue to come", "tenant-1.json", `{"access_token":"canary","refresh_token":"canary2","expires_in":1,"issued_at":"2999-01-01T00:00:00Z"}`, "in the future"},
		{"an expired refresh token", "tenant-1.json", `{"access_token":"canary","refresh_token":"canary2","expires_in":1,"refresh_token_expires_in":10,"issued_at":"2020-01-01T00:00:00Z"}`, "expired"},
		{"a name that no block declares", "elsewhere.json", response("canary"), "elsewhere"},
		{"a name that no grant can have", "Tenant.json", response("canary"), "name"},
		{"a name without .json", "tenant-1.txt", response("canary"), ".json"},
		{"more than 64 KiB", "tenant-1.json", response("canary") + strings.Repeat(" ", 64<<10), "longer"},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := newHost(t)
			h.dropped(c.file, c.text)
			if got := h.take(); got != (intake.Taken{Failed: 1}) {
				t.Errorf("%+v", got)
			}
			if left := h.left("."); len(left) != 0 {
				t.Errorf("left: %v", left)
			}
			if left := h.left("rejected"); !slices.Equal(left, []string{c.file, c.file + ".reason"}) {
				t.Fatalf("rejected: %v", left)
			}
			kept, err := os.ReadFile(filepath.Join(h.inbox.Dir, "rejected", c.file))
			if err != nil || string(kept) != c.text {
				t.Errorf("the file is another one, %v", err)
			}
			reason, err := os.ReadFile(filepath.Join(h.inbox.Dir, "rejected", c.file+".reason"))
			if err != nil || !strings.Contains(string(reason), c.says) || strings.Count(string(reason), "\n") != 1 {
				t.Errorf("reason %q, %v", reason, err)
			}
			if strings.Contains(string(reason)+h.log.String(), "canary") {
				t.Errorf("content of the file is told: %s\n%s", reason, h.log)
			}
			if got := h.take(); got != (intake.Taken{}) {
				t.Errorf("the second look: %+v", got)
			}
		})
	}
}

func TestAPipeInTheInboxDoesNotHoldTheOthers(t *testing.T) {
	h := newHost(t)
	pipe := filepath.Join(h.inbox.Dir, "tenant-0.json")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	past := h.now.Add(-time.Hour)
	if err := os.Chtimes(pipe, past, past); err != nil {
		t.Fatal(err)
	}
	h.dropped("tenant-1.json", response("one"))
	if h.take(); h.access("tenant-1") != "access-one" {
		t.Error("the file behind it was not taken")
	}
}

func TestAFileStaysUntilItsTokensAreStored(t *testing.T) {
	h := newHost(t)
	h.dropped("tenant-1.json", response("one"))
	h.disk.full.Store(true)
	for range 3 {
		if got := h.take(); got != (intake.Taken{Failed: 1}) {
			t.Errorf("%+v", got)
		}
	}
	if left := h.left("."); !slices.Equal(left, []string{"tenant-1.json"}) || len(h.left("rejected")) != 0 {
		t.Errorf("left: %v, rejected: %v", left, h.left("rejected"))
	}
	h.disk.full.Store(false)
	if got := h.take(); got != (intake.Taken{}) || h.access("tenant-1") != "access-one" || len(h.left(".")) != 0 {
		t.Errorf("%+v, token %q, left: %v", got, h.access("tenant-1"), h.left("."))
	}
}

func TestAFileThatComesWhileItsPredecessorIsTakenIsNotLost(t *testing.T) {
	h := newHost(t)
	h.dropped("tenant-1.json", response("one"))
	h.disk.before = func() {
		next := filepath.Join(h.inbox.Dir, ".next")
		h.dropped(".next", response("two"))
		if err := os.Rename(next, filepath.Join(h.inbox.Dir, "tenant-1.json")); err != nil {
			t.Error(err)
		}
	}
	h.take()
	h.take()
	if got := h.access("tenant-1"); got != "access-two" {
		t.Errorf("the token is %q", got)
	}
	if left := h.left("."); len(left) != 0 {
		t.Errorf("left: %v", left)
	}
}

func TestAnInboxThatIsTakenTwiceAfterACrashChangesNothing(t *testing.T) {
	h := newHost(t)
	for range 2 {
		h.dropped("tenant-1.json", response("one")) // it was stored, and not yet removed
		h.take()
	}
	if g := h.grant("tenant-1"); g.Generation != 1 {
		t.Errorf("generation %d", g.Generation)
	}
}

func TestAStopLeavesTheRestOfTheInbox(t *testing.T) {
	h := newHost(t)
	h.dropped("tenant-1.json", response("one"))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := h.inbox.Take(ctx); err != nil {
		t.Fatal(err)
	}
	if left := h.left("."); !slices.Equal(left, []string{"tenant-1.json"}) {
		t.Errorf("left: %v", left)
	}
}

func TestAnInboxThatIsGoneIsAnError(t *testing.T) {
	h := newHost(t)
	if err := os.RemoveAll(h.inbox.Dir); err != nil {
		t.Fatal(err)
	}
	if _, err := h.inbox.Take(t.Context()); err == nil {
		t.Error("nobody learns of it")
	}
	if err := h.inbox.Prepare(); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(h.inbox.Dir); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	h.take()
}
