package publish_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"webex-tokend/daemon/config"
	"webex-tokend/daemon/hook"
	"webex-tokend/daemon/publish"
	"webex-tokend/daemon/refresh"
)

// A listener stands for the programs behind hooks.
type listener struct {
	mu    sync.Mutex
	heard []string // "ops 3 /path"
	does  func(ctx context.Context, h config.Hook, n hook.News) error
}

func (l *listener) hook(ctx context.Context, h config.Hook, n hook.News) error {
	l.mu.Lock()
	does := l.does
	l.mu.Unlock()
	if does != nil {
		if err := does(ctx, h, n); err != nil {
			return err
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.heard = append(l.heard, fmt.Sprintf("%s %d %s", n.Grant, n.Generation, n.Path))
	return nil
}

func (l *listener) do(does func(context.Context, config.Hook, hook.News) error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.does = does
}

func (l *listener) want(t *testing.T, want ...string) {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	if !slices.Equal(l.heard, want) {
		t.Errorf("heard %q, want %q", l.heard, want)
	}
	l.heard = nil
}

func (l *listener) publisher(h *host, c *config.Config) publish.Config {
	cfg := h.publisher(c)
	cfg.Hook = l.hook
	return cfg
}

// told declares a grant with hooks, named by their commands.
func told(name string, files []config.File, commands ...string) *config.Config {
	c := declare("/run/none", name, files...)
	for _, command := range commands {
		c.Grants[0].Hooks = append(c.Grants[0].Hooks, config.Hook{Command: []string{command}, Timeout: 30 * time.Second})
	}
	return c
}

func TestAHookRunsOnceForEachTokenAfterItsFilesAreInPlace(t *testing.T) {
	h, l, path := newHost(), &listener{}, filepath.Join(folder(t), "ops")
	l.do(func(_ context.Context, _ config.Hook, n hook.News) error {
		if got := content(t, n.Path); got != n.Token.Reveal()+"\n" {
			t.Errorf("told of generation %d, while the file holds %q", n.Generation, got)
		}
		return nil
	})
	h.token("ops", 1, "first")
	p := run(t, l.publisher(h, told("ops", []config.File{raw(path)}, "/bin/a")))
	idle(t, p)
	l.want(t, "ops 1 "+path)
	h.token("ops", 2, "second")
	p.Publish("ops")
	idle(t, p)
	l.want(t, "ops 2 "+path)
	wantStates(t, p, "ops", "ok 2, ok 2")

	// The same token once more, when the other hook is there to be told of it.
	p.Reconfigure(told("ops", []config.File{raw(path)}, "/bin/a", "/bin/b"))
	p.Publish("ops")
	idle(t, p)
	l.want(t, "ops 2 "+path) // by the new hook only, since Publish said that there is news
	if marked := h.marked(); len(marked) > 0 {
		t.Errorf("still marked: %q", marked)
	}
}

func TestAHookDoesNotRunForAStartButForTheTokenThatACrashLeftUntold(t *testing.T) {
	h, l := newHost(), &listener{}
	c := told("ops", nil, "/bin/a")
	h.token("ops", 3, "abc")
	idle(t, run(t, l.publisher(h, c)))
	l.want(t, "ops 3 ")
	p := run(t, l.publisher(h, c))
	idle(t, p)
	l.want(t)
	wantStates(t, p, "ops", "ok 3")

	h.token("ops", 4, "abd") // and no event
	idle(t, run(t, l.publisher(h, c)))
	l.want(t, "ops 4 ")
}

func TestAMarkStaysUntilTheHooksHaveRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, l := newHost(), &listener{}
		var tries []time.Time
		l.do(func(context.Context, config.Hook, hook.News) error {
			tries = append(tries, time.Now())
			if len(tries) < 4 {
				return errors.New("not yet")
			}
			return nil
		})
		path := filepath.Join(folder(t), "ops")
		p := run(t, l.publisher(h, told("ops", []config.File{raw(path)}, "/bin/a")))
		idle(t, p) // for the walk of the start, which asks for each grant twice
		h.token("ops", 1, "abc")
		p.Publish("ops")
		idle(t, p)
		wantContent(t, path, "abc\n")
		wantStates(t, p, "ops", "ok 1, failed 0 (not yet)")
		if !slices.Equal(h.marked(), []string{"ops"}) || !slices.Equal(p.Failing(), []string{"ops"}) {
			t.Errorf("marked are %q, failing %q", h.marked(), p.Failing())
		}
		time.Sleep(time.Hour)
		wantStates(t, p, "ops", "ok 1, ok 1")
		l.want(t, "ops 1 "+path)
		if len(h.marked())+len(p.Failing()) > 0 {
			t.Errorf("marked are %q, failing %q", h.marked(), p.Failing())
		}
		for i, wait := range []time.Duration{time.Second, 2 * time.Second, 4 * time.Second} {
			if got := tries[i+1].Sub(tries[i]); got != wait {
				t.Errorf("try %d came after %v, want %v", i+2, got, wait)
			}
		}
	})
}

func TestAFileThatFailsHoldsItsHookBackWithoutARush(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, l, dir := newHost(), &listener{}, folder(t)
		l.do(func(context.Context, config.Hook, hook.News) error { return errors.New("no") })
		reads := 0
		cfg := l.publisher(h, told("ops", []config.File{raw(filepath.Join(dir, "in", "ops"))}, "/bin/a"))
		current := cfg.Current
		cfg.Current = func(ctx context.Context, name string) (refresh.Current, error) {
			reads++
			return current(ctx, name)
		}
		if err := os.Mkdir(filepath.Join(dir, "in"), 0o755); err != nil {
			t.Fatal(err)
		}
		h.token("ops", 1, "abc")
		p := run(t, cfg)
		idle(t, p)
		if err := os.RemoveAll(filepath.Join(dir, "in")); err != nil {
			t.Fatal(err)
		}
		h.token("ops", 2, "abd")
		p.Publish("ops")
		time.Sleep(time.Hour)
		idle(t, p)
		if !strings.HasPrefix(states(p, "ops"), "failed 1") || reads > 100 {
			t.Errorf("outputs are %q after %d reads", states(p, "ops"), reads)
		}
	})
}

func TestAHookThatHangsDelaysNeitherFilesNorOtherGrants(t *testing.T) {
	h, l, dir := newHost(), &listener{}, folder(t)
	slow, quick := filepath.Join(dir, "slow"), filepath.Join(dir, "quick")
	c := told("slow", []config.File{raw(slow)}, "/bin/a")
	c.Grants = append(c.Grants, told("quick", []config.File{raw(quick)}, "/bin/b").Grants...)
	begun, hung := make(chan uint64, 8), make(chan struct{})
	heard := make(chan struct{})
	l.do(func(_ context.Context, _ config.Hook, n hook.News) error {
		if n.Grant == "slow" {
			begun <- n.Generation
			<-hung
		} else {
			close(heard)
		}
		return nil
	})
	h.token("slow", 1, "one")
	p := run(t, l.publisher(h, c))
	if generation := <-begun; generation != 1 {
		t.Errorf("told of generation %d", generation)
	}
	h.token("quick", 1, "abc")
	p.Publish("quick")
	<-heard
	for generation := uint64(2); generation < 6; generation++ {
		h.token("slow", generation, fmt.Sprint("token-", generation))
		p.Publish("slow")
		// Idle would wait for the hook.
		for content(t, slow) != fmt.Sprintf("token-%d\n", generation) {
			runtime.Gosched()
		}
	}
	close(hung)
	idle(t, p)
	// Of the tokens that came meanwhile the latest alone is told.
	l.want(t, "quick 1 "+quick, "slow 1 "+slow, "slow 5 "+slow)
	wantStates(t, p, "slow", "ok 5, ok 5")
}

func TestOneHookThatFailsIsRetriedAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, l := newHost(), &listener{}
		ran := make(map[string]int)
		l.do(func(_ context.Context, h config.Hook, _ hook.News) error {
			ran[h.Command[0]]++
			if h.Command[0] == "/bin/bad" {
				return errors.New("no")
			}
			return nil
		})
		h.token("ops", 1, "abc")
		p := run(t, l.publisher(h, told("ops", nil, "/bin/bad", "/bin/good")))
		time.Sleep(10 * time.Minute)
		idle(t, p)
		if ran["/bin/good"] != 1 || ran["/bin/bad"] < 10 || ran["/bin/bad"] > 20 {
			t.Errorf("ran %v", ran)
		}
		wantStates(t, p, "ops", "failed 0 (no), ok 1")
	})
}

func TestHooksEndWithThePublisherAndRunAfterTheNextStart(t *testing.T) {
	h, l := newHost(), &listener{}
	begun := make(chan struct{})
	l.do(func(ctx context.Context, _ config.Hook, _ hook.News) error {
		close(begun)
		<-ctx.Done()
		return ctx.Err()
	})
	c := told("ops", nil, "/bin/a")
	h.token("ops", 1, "abc")
	runThenStop(t, l.publisher(h, c), begun, make(chan struct{}))
	l.do(nil)
	idle(t, run(t, l.publisher(h, c)))
	l.want(t, "ops 1 ")
}

func TestHooksAreNotToldOfAnExpiredToken(t *testing.T) {
	h, l := newHost(), &listener{}
	h.token("ops", 1, "abc")
	cfg := l.publisher(h, told("ops", nil, "/bin/a"))
	cfg.Now = func() time.Time { return time.Now().Add(25 * time.Hour) }
	p := run(t, cfg)
	idle(t, p)
	l.want(t)
	wantStates(t, p, "ops", "behind 0")
}

func TestATokenThatCannotBeReadIsToldLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, l := newHost(), &listener{}
		h.token("ops", 1, "abc")
		cfg := l.publisher(h, told("ops", nil, "/bin/a"))
		reads := 0
		cfg.Current = func(ctx context.Context, name string) (refresh.Current, error) {
			if reads++; reads < 5 {
				return refresh.Current{}, errors.New("store is away")
			}
			return h.Current(ctx, name)
		}
		p := run(t, cfg)
		idle(t, p)
		wantStates(t, p, "ops", "failed 0 (read current token: store is away)")
		time.Sleep(time.Minute)
		idle(t, p)
		l.want(t, "ops 1 ")
		wantStates(t, p, "ops", "ok 1")
	})
}
