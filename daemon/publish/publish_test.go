package publish_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"webex-tokend/daemon/config"
	"webex-tokend/daemon/refresh"
)

func TestAGrantIsPublishedAtTheStartAndAfterEachRefresh(t *testing.T) {
	h, dir := newHost(), t.TempDir()
	path := filepath.Join(dir, "run", "tokens", "ops")
	h.token("ops", 1, "first")
	p := run(t, h.publisher(declare(filepath.Join(dir, "run"), "ops", raw(path))))
	if err := p.Declared(t.Context()); err != nil {
		t.Fatal(err)
	}
	wantContent(t, path, "first\n")

	h.token("ops", 2, "second")
	p.Publish("ops")
	idle(t, p)
	wantContent(t, path, "second\n")
	wantStates(t, p, "ops", "ok 2")
	if marked := h.marked(); len(marked) > 0 {
		t.Errorf("still marked: %q", marked)
	}
	for _, d := range []string{"run", "run/tokens"} {
		if info, err := os.Stat(filepath.Join(dir, d)); err != nil || info.Mode().Perm() != 0o711 {
			t.Errorf("%s has mode %v, %v, want 0711", d, info.Mode(), err)
		}
	}
}

func TestAPatternPublishesWhatIsRegisteredAfterABoot(t *testing.T) {
	h, dir := newHost(), folder(t)
	const grants = 700 // several pages
	for i := range grants {
		h.token(fmt.Sprintf("tenant-%04d", i), 1, "abc")
	}
	h.token("other", 1, "abc")
	clear(h.behind) // the runtime folder was lost, the store knows nothing of it
	p := run(t, h.publisher(declare("/run/none", "tenant-*", raw(filepath.Join(dir, "{{ .Grant }}")))))
	idle(t, p)
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != grants {
		t.Errorf("%d files, %v, want %d", len(entries), err, grants)
	}
	wantStates(t, p, "tenant-0042", "ok 1")
}

func TestAMarkIsClearedWhenTheOutputsHaveLeftTheConfiguration(t *testing.T) {
	h := newHost()
	h.token("ops", 3, "abc")
	h.token("undeclared", 3, "abc")
	idle(t, run(t, h.publisher(declare("/run/none", "ops"))))
	if got := h.marked(); !slices.Equal(got, []string{"undeclared"}) {
		t.Errorf("marked are %q, want only the grant that no block names", got)
	}
}

func TestTheWalkGoesOnAfterTheStoreFailedToList(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, dir := newHost(), folder(t)
		h.token("ops-1", 1, "abc")
		h.listing = errors.New("disk on fire")
		p := run(t, h.publisher(declare("/run/none", "ops-*", raw(filepath.Join(dir, "{{ .Grant }}")))))
		time.Sleep(time.Minute)
		wantNames(t, dir)
		wantStates(t, p, "ops-1", "behind 0")
		h.mu.Lock()
		h.listing = nil
		h.mu.Unlock()
		idle(t, p)
		wantNames(t, dir, "ops-1")
	})
}

func TestAReloadPublishesToNewFilesAndLeavesOldOnes(t *testing.T) {
	h, dir := newHost(), folder(t)
	before, after := filepath.Join(dir, "before"), filepath.Join(dir, "after")
	h.token("ops", 1, "abc")
	p := run(t, h.publisher(declare("/run/none", "ops", raw(before))))
	idle(t, p)
	p.Reconfigure(declare("/run/none", "ops", raw(after)))
	idle(t, p)
	wantNames(t, dir, "after", "before")
	p.Reconfigure(declare("/run/none", "ops"))
	idle(t, p)
	if got := p.Outputs("ops"); got != nil {
		t.Errorf("outputs that left the configuration are %v", got)
	}
	p.Reconfigure(declare("/run/none", "ops", raw(before)))
	idle(t, p)
	wantStates(t, p, "ops", "ok 1")
}

func TestAFailedOutputIsRetriedAloneUntilItsFolderAppears(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, dir := newHost(), folder(t)
		good, missing := filepath.Join(dir, "good"), filepath.Join(dir, "later", "ops")
		h.token("ops", 4, "abc")
		p := run(t, h.publisher(declare("/run/none", "ops", raw(good), raw(missing))))
		idle(t, p)
		wantContent(t, good, "abc\n")
		wantStates(t, p, "ops", "ok 4, failed 0 (open folder: open "+filepath.Dir(missing)+": no such file or directory)")
		if got := p.Failing(); !slices.Equal(got, []string{"ops"}) {
			t.Errorf("failing are %q", got)
		}
		if got := h.marked(); !slices.Equal(got, []string{"ops"}) {
			t.Errorf("the mark went before the last output: %q", got)
		}

		// Retries leave the other output alone.
		if err := os.Chtimes(good, time.Time{}, time.Unix(1, 0)); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour)
		if info, err := os.Stat(good); err != nil || info.ModTime().Unix() != 1 {
			t.Errorf("the other output was written again: %v, %v", info.ModTime(), err)
		}
		if err := os.Mkdir(filepath.Dir(missing), 0o755); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		idle(t, p)
		wantContent(t, missing, "abc\n")
		wantStates(t, p, "ops", "ok 4, ok 4")
		if got := h.marked(); len(got) > 0 || len(p.Failing()) > 0 {
			t.Errorf("marked are %q, failing %q, want none", got, p.Failing())
		}
		wantNames(t, filepath.Dir(missing), "ops")
	})
}

func TestATokenThatCannotBeReadNowIsPublishedLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, path := newHost(), filepath.Join(folder(t), "ops")
		h.token("ops", 1, "abc")
		var broken atomic.Bool
		broken.Store(true)
		cfg := h.publisher(declare("/run/none", "ops", raw(path)))
		cfg.Current = func(ctx context.Context, name string) (refresh.Current, error) {
			if broken.Load() {
				return refresh.Current{}, errors.New("store is away")
			}
			return h.Current(ctx, name)
		}
		p := run(t, cfg)
		idle(t, p)
		wantStates(t, p, "ops", "failed 0 (read current token: store is away)")
		broken.Store(false)
		time.Sleep(time.Minute)
		idle(t, p)
		wantContent(t, path, "abc\n")
	})
}

func TestAnExpiredTokenIsNotPublishedAndWhatStandsThereStays(t *testing.T) {
	h, dir := newHost(), folder(t)
	stands, absent := filepath.Join(dir, "stands"), filepath.Join(dir, "absent")
	if err := os.WriteFile(stands, []byte("older\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	h.token("ops", 5, "expired")
	cfg := h.publisher(declare("/run/none", "ops", raw(stands), raw(absent)))
	cfg.Now = func() time.Time { return time.Now().Add(25 * time.Hour) }
	p := run(t, cfg)
	idle(t, p)
	wantContent(t, stands, "older\n")
	wantNames(t, dir, "stands")
	wantStates(t, p, "ops", "behind 0, behind 0")
	if got := h.marked(); len(got) != 1 {
		t.Errorf("marked are %q, want ops", got)
	}
	if got := p.Failing(); len(got) > 0 {
		t.Errorf("an expired token is no failure of its output: %q", got)
	}
}

func TestAPendingGrantHasOutputsThatAreBehind(t *testing.T) {
	p := run(t, newHost().publisher(declare("/run/none", "ops", raw(filepath.Join(folder(t), "ops")))))
	idle(t, p)
	wantStates(t, p, "ops", "behind 0")
	if p.Outputs("undeclared") != nil {
		t.Error("a grant without outputs has some")
	}
}

func TestNoGrantWaitsForAnotherOne(t *testing.T) {
	h, dir := newHost(), folder(t)
	h.token("slow", 1, "abc")
	h.token("quick", 1, "abc")
	c := declare("/run/none", "slow", raw(filepath.Join(dir, "slow")))
	c.Grants = append(c.Grants, &config.Grant{Name: "quick", Files: []config.File{raw(filepath.Join(dir, "quick"))}})
	cfg := h.publisher(c)
	blocked, published := make(chan struct{}), make(chan string, 1)
	cfg.Current = func(ctx context.Context, name string) (refresh.Current, error) {
		if name == "slow" {
			<-blocked
		}
		return h.Current(ctx, name)
	}
	cfg.Published = func(_ context.Context, name string, _ uint64) error {
		select {
		case published <- name:
		default:
		}
		return nil
	}
	p := run(t, cfg)
	if first := <-published; first != "quick" {
		t.Errorf("%s was published first", first)
	}
	close(blocked)
	idle(t, p)
	wantNames(t, dir, "quick", "slow")
}

func TestACommitThatHangsHoldsUpNoFile(t *testing.T) {
	h, dir := newHost(), folder(t)
	const grants = 100 // more than workers
	cfg := h.publisher(declare("/run/none", "g-*", raw(filepath.Join(dir, "{{ .Grant }}"))))
	arrived, blocked := make(chan string), make(chan struct{})
	cfg.Published = func(ctx context.Context, name string, generation uint64) error {
		select {
		case arrived <- name:
		case <-blocked:
		}
		<-blocked
		return h.Published(ctx, name, generation)
	}
	for i := range grants {
		h.token(fmt.Sprintf("g-%03d", i), 1, "abc")
	}
	p := run(t, cfg)
	for seen := make(map[string]bool); len(seen) < grants; {
		seen[<-arrived] = true
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != grants {
		t.Errorf("%d files, %v, want %d", len(entries), err, grants)
	}
	close(blocked)
	idle(t, p)
	if got := h.marked(); len(got) > 0 {
		t.Errorf("still marked: %q", got)
	}
}

func TestAGrantNeverHasTwoWritersAndItsLastTokenWins(t *testing.T) {
	h, dir := newHost(), folder(t)
	path := filepath.Join(dir, "ops")
	h.token("ops", 1, "token-1")
	cfg := h.publisher(declare("/run/none", "ops", raw(path)))
	var writers, deliveries atomic.Int32
	cfg.Current = func(ctx context.Context, name string) (refresh.Current, error) {
		if writers.Add(1) > 1 {
			t.Error("two workers have the grant")
		}
		defer writers.Add(-1)
		deliveries.Add(1)
		return h.Current(ctx, name)
	}
	p := run(t, cfg)
	const refreshes = 500
	for i := range refreshes {
		h.token("ops", uint64(i+2), fmt.Sprintf("token-%d", i+2))
		p.Publish("ops")
	}
	idle(t, p)
	wantContent(t, path, fmt.Sprintf("token-%d\n", refreshes+1))
	if n := deliveries.Load(); n > refreshes+2 {
		t.Errorf("%d deliveries for %d requests", n, refreshes)
	}
	if got := h.marked(); len(got) > 0 {
		t.Errorf("still marked: %q", got)
	}
	wantNames(t, dir, "ops")
}

func TestRemoveDeletesTheFilesOfItsGrantOnly(t *testing.T) {
	h, dir := newHost(), folder(t)
	h.token("g-1", 1, "abc")
	h.token("g-2", 1, "abc")
	p := run(t, h.publisher(declare("/run/none", "g-*",
		raw(filepath.Join(dir, "{{ .Grant }}")), raw(filepath.Join(dir, "{{ .Grant }}.copy")))))
	idle(t, p)
	h.mu.Lock()
	delete(h.current, "g-1")
	h.mu.Unlock()
	if err := p.Remove(t.Context(), "g-1"); err != nil {
		t.Fatal(err)
	}
	p.Publish("g-1") // an event that was on its way
	idle(t, p)
	wantNames(t, dir, "g-2", "g-2.copy")
	if err := p.Remove(t.Context(), "g-1"); err != nil {
		t.Errorf("again: %v", err)
	}
}

func TestRemoveWaitsForTheWriter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, dir := newHost(), folder(t)
		h.token("ops", 1, "abc")
		cfg := h.publisher(declare("/run/none", "ops", raw(filepath.Join(dir, "ops"))))
		blocked := make(chan struct{})
		cfg.Current = func(ctx context.Context, name string) (refresh.Current, error) {
			<-blocked
			return h.Current(ctx, name)
		}
		p := run(t, cfg)
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := p.Remove(ctx, "ops"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("it did not wait: %v", err)
		}
		removed := make(chan error)
		h.drop("ops")
		go func() { removed <- p.Remove(t.Context(), "ops") }()
		synctest.Wait()
		close(blocked)
		if err := <-removed; err != nil {
			t.Error(err)
		}
		wantNames(t, dir)
	})
}

// A removal under way deleted the file of the token that was imported right
// after it, or forgot that it was to be written.
func TestATokenThatComesRightAfterARemovalIsPublished(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, path := newHost(), filepath.Join(folder(t), "ops")
		h.token("ops", 1, "first")
		cfg := h.publisher(declare("/run/none", "ops", raw(path)))
		var slow atomic.Bool
		cfg.Current = func(ctx context.Context, name string) (refresh.Current, error) {
			c, err := h.Current(ctx, name)
			if slow.Load() {
				time.Sleep(time.Second)
			}
			return c, err
		}
		p := run(t, cfg)
		idle(t, p)
		wantContent(t, path, "first\n")
		slow.Store(true)
		p.Publish("ops") // a delivery is under way
		synctest.Wait()
		h.drop("ops")
		removed := make(chan error)
		go func() { removed <- p.Remove(t.Context(), "ops") }()
		synctest.Wait()
		h.token("ops", 1, "second")
		p.Publish("ops")
		if err := <-removed; err != nil {
			t.Error(err)
		}
		time.Sleep(time.Minute)
		idle(t, p)
		wantContent(t, path, "second\n")
	})
}

// A removal that was stored right before a crash left the token file for ever.
func TestTheFilesOfAGrantThatWasRemovedRightBeforeACrashGo(t *testing.T) {
	h, dir := newHost(), folder(t)
	h.token("ops", 1, "abc")
	h.token("crm", 1, "abc")
	c := declare("/run/none", "*", raw(filepath.Join(dir, "{{ .Grant }}")))
	idle(t, run(t, h.publisher(c)))
	wantNames(t, dir, "crm", "ops")
	h.drop("ops")
	idle(t, run(t, h.publisher(c)))
	wantNames(t, dir, "crm")
	if got := h.marked(); len(got) > 0 {
		t.Errorf("marked are %q", got)
	}
}

func TestAFileThatStandsWhereAGrantIsToWriteIsSparedUntilItHasAToken(t *testing.T) {
	h, path := newHost(), filepath.Join(folder(t), "ops")
	if err := os.WriteFile(path, []byte("by hand\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	p := run(t, h.publisher(declare("/run/none", "ops", raw(path))))
	idle(t, p)
	p.Publish("ops")
	idle(t, p)
	wantContent(t, path, "by hand\n")
}

func TestRemoveSparesWhatIsNoRegularFile(t *testing.T) {
	h, dir := newHost(), folder(t)
	link := filepath.Join(dir, "link")
	if err := os.Symlink("/etc/hostname", link); err != nil {
		t.Fatal(err)
	}
	p := run(t, h.publisher(declare("/run/none", "ops", raw(link), raw(filepath.Join(dir, "none", "ops")))))
	err := p.Remove(t.Context(), "ops")
	if err == nil || !strings.Contains(err.Error(), "is not a regular file") {
		t.Errorf("got %v", err)
	}
	wantNames(t, dir, "link")
}

func TestAWriteThatHasBegunIsFinishedBeforeRunReturns(t *testing.T) {
	h, path := newHost(), filepath.Join(folder(t), "ops")
	h.token("ops", 1, "abc")
	cfg := h.publisher(declare("/run/none", "ops", raw(path)))
	begun, blocked := make(chan struct{}), make(chan struct{})
	cfg.Current = func(ctx context.Context, name string) (refresh.Current, error) {
		close(begun)
		<-blocked
		if ctx.Err() != nil {
			t.Error("the delivery was cut short")
		}
		return h.Current(ctx, name)
	}
	runThenStop(t, cfg, begun, blocked)
	wantContent(t, path, "abc\n")
	if got := h.marked(); len(got) > 0 {
		t.Errorf("still marked: %q", got)
	}
}

func TestTokensOfGrantsWithoutOutputsCostNothing(t *testing.T) {
	h := newHost()
	p := run(t, h.publisher(declare("/run/none", "tenant-*")))
	idle(t, p)
	// All goroutines are counted, so that few calls would answer for the start.
	if n := testing.AllocsPerRun(10_000, func() { p.Publish("tenant-1") }); n > 0 {
		t.Errorf("%v allocations for a grant without outputs", n)
	}
}

func TestTemporaryFilesOfAKilledProcessAreDeletedAtTheStart(t *testing.T) {
	h, dir := newHost(), folder(t)
	h.token("ops", 1, "abc")
	for _, name := range []string{".ops8237498237498237498", ".profile", ".cache1700000000", "notes1234567890123456789"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	idle(t, run(t, h.publisher(declare("/run/none", "ops", raw(filepath.Join(dir, "ops"))))))
	wantNames(t, dir, ".cache1700000000", ".profile", "notes1234567890123456789", "ops")
}
