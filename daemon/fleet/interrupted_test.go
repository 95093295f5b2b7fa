package fleet_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"webex-tokend/daemon/emulator"
	"webex-tokend/daemon/emulator/lab"
	"webex-tokend/store"
)

// crashed leaves the grant as a daemon does that died after sending attempt n.
func (h *host) crashed(name string, attempt uint64) {
	h.t.Helper()
	s, err := h.store.Get(h.t.Context(), name)
	if err != nil {
		h.t.Fatal(err)
	}
	var over *store.OpenIntent
	if open, err := h.store.Intent(h.t.Context(), name); err == nil {
		over = &open
	}
	_, err = h.store.Claim(h.t.Context(), name, s.Revision, store.Intent{At: time.Now(), Attempt: attempt, Generation: s.Generation}, over)
	if err != nil {
		h.t.Fatal(err)
	}
}

func (h *host) restart() {
	h.t.Helper()
	h.stop()
	h.start()
	synctest.Wait()
}

func TestAnOpenIntentIsResolvedFirstThingAfterAStart(t *testing.T) {
	inBubble(t, emulator.Config{Calm: true, Rotate: true, Grace: time.Minute}, "", func(t *testing.T, h *host) {
		h.register("rest-1", emulator.REST)
		h.register("rest-2", emulator.REST)
		h.crashed("rest-1", 1)
		h.restart()
		g := h.is("rest-1", store.OK, "")
		if g.Generation != 2 {
			t.Errorf("generation %d, nobody asked for the outcome", g.Generation)
		}
		if n := h.webex.Stats().Refreshes; n != 1 {
			t.Errorf("%d refreshes at the start, one outcome was open", n)
		}
		h.restart()
		if n := h.webex.Stats().Refreshes; n != 1 {
			t.Error("the intent was not closed")
		}
	})
}

func TestALostAnswerShowsAsUnknownAndIsAskedForWithinTheGrace(t *testing.T) {
	inBubble(t, emulator.Config{Calm: true, Rotate: true, Grace: 10 * time.Minute}, "", func(t *testing.T, h *host) {
		h.register("rest-1", emulator.REST)
		h.webex.Script(lab.Lose())
		if err := h.fleet.Refresher.Refresh(t.Context(), "rest-1"); err == nil {
			t.Fatal("a lost answer counts as a success")
		}
		g := h.grant("rest-1")
		if g.State != string(store.Unknown) || g.Since == nil {
			t.Fatalf("state %s since %v", g.State, g.Since)
		}
		h.live(5*time.Minute, time.Second)
		h.is("rest-1", store.OK, "")
		if n := h.webex.Stats().Reuses; n != 0 {
			t.Errorf("%d tokens were sent after their grace", n)
		}
	})
}

func TestAnAnswerLostForGoodIsNamedSo(t *testing.T) {
	inBubble(t, emulator.Config{Calm: true, Rotate: true}, "", func(t *testing.T, h *host) {
		h.register("rest-1", emulator.REST)
		h.webex.Script(lab.Lose())
		h.fleet.Refresher.Refresh(t.Context(), "rest-1")
		h.live(30*time.Minute, time.Second)
		h.is("rest-1", store.Reauthorize, "lost_in_flight")
	})
}

// The daily tries after a grant was given up overwrote why it was.
func TestWhyAGrantWasGivenUpOutlastsLaterTries(t *testing.T) {
	inBubble(t, emulator.Config{Calm: true, Rotate: true}, "", func(t *testing.T, h *host) {
		h.register("rest-1", emulator.REST)
		h.webex.Script(lab.Lose())
		h.fleet.Refresher.Refresh(t.Context(), "rest-1")
		h.live(30*time.Minute, time.Second)
		tries := h.webex.Stats().Requests
		h.live(36*time.Hour, time.Minute)
		h.is("rest-1", store.Reauthorize, "lost_in_flight")
		h.webex.Script(lab.Reply(500, nil, "{}"))
		h.live(24*time.Hour, time.Minute)
		h.is("rest-1", store.Reauthorize, "lost_in_flight")
		if n := h.webex.Stats().Requests - tries; n != 3 {
			t.Errorf("%d tries in two and a half days: want one a day, and one more for the failure", n)
		}
	})
}

func TestACrashLoopDoesNotHammerTheEndpoint(t *testing.T) {
	inBubble(t, emulator.Config{Calm: true}, "", func(t *testing.T, h *host) {
		h.register("rest-1", emulator.REST)
		for range 20 {
			h.webex.Script(lab.Lose())
		}
		h.crashed("rest-1", 1)
		for range 10 {
			h.restart()
			time.Sleep(2 * time.Second)
		}
		if n := h.webex.Stats().Requests; n != 2 {
			t.Errorf("%d requests in ten starts within 20 seconds, want 2", n)
		}
		if g := h.grant("rest-1"); g.State != string(store.Unknown) {
			t.Errorf("state %s", g.State)
		}
	})
}

func TestAStopWaitsForTheAnswerAndStoresIt(t *testing.T) {
	inBubble(t, emulator.Config{Calm: true, Rotate: true}, "", func(t *testing.T, h *host) {
		h.register("rest-1", emulator.REST)
		arrived, release := make(chan struct{}, 1), make(chan struct{})
		h.webex.Script(lab.Hold(arrived, release))
		go h.fleet.Refresher.Refresh(context.Background(), "rest-1")
		<-arrived
		time.AfterFunc(10*time.Second, func() { close(release) })
		h.restart()
		if g := h.is("rest-1", store.OK, ""); g.Generation != 2 {
			t.Errorf("generation %d, the answer was not stored", g.Generation)
		}
		if n := h.webex.Stats().Requests; n != 1 {
			t.Errorf("%d requests", n)
		}
	})
}

func TestARequestThatWaitsForItsTurnIsGivenUpAtAStop(t *testing.T) {
	inBubble(t, calm, oneByOne, func(t *testing.T, h *host) {
		response := []byte(`{"access_token":"a","refresh_token":"r","expires_in":3600}`)
		h.take("slow-1", response)
		h.take("slow-2", response)
		arrived, release := make(chan struct{}, 1), make(chan struct{})
		h.transport = nil
		h.webex.ScriptAt("/token", lab.Hold(arrived, release))
		go h.fleet.Refresher.Refresh(context.Background(), "slow-1")
		<-arrived
		go h.fleet.Refresher.Refresh(context.Background(), "slow-2")
		synctest.Wait()
		time.AfterFunc(5*time.Second, func() { close(release) })
		h.restart()
		h.is("slow-2", store.OK, "")
		if list, err := h.store.Intents(t.Context(), "", 10); err != nil || len(list) > 1 {
			t.Errorf("open intents %v, %v", list, err)
		}
	})
}

// A fickle KV refuses writes while it is told to.
type fickle struct {
	store.KV
	refuse  atomic.Bool
	through atomic.Bool // writes come through although they are refused
}

var errNoSpace = errors.New("no space left on device")

func (f *fickle) Swap(ctx context.Context, c store.Change) (store.Revision, error) {
	if !f.refuse.Load() {
		return f.KV.Swap(ctx, c)
	}
	if f.through.Load() {
		f.KV.Swap(ctx, c)
	}
	return 0, errNoSpace
}

func newFickleHost(t *testing.T, cfg emulator.Config) (*host, *fickle) {
	f := new(fickle)
	h := &host{t: t, dir: ramDir(t), webex: emulator.New(cfg), kv: func(kv store.KV) store.KV { f.KV = kv; return f }}
	h.configure("")
	h.start()
	t.Cleanup(h.stop)
	return h, f
}

func TestNothingIsSentWhileTheStoreRefusesIntents(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, kv := newFickleHost(t, calm)
		h.register("meetings-1", emulator.Meetings)
		kv.refuse.Store(true)
		h.live(3*time.Hour, time.Second)
		if n := h.webex.Stats().Requests; n != 0 {
			t.Errorf("%d requests without an intent", n)
		}
		kv.refuse.Store(false)
		h.live(10*time.Second, time.Second)
		h.is("meetings-1", store.OK, "")
		h.stop()
	})
}

func TestAnAnswerThatTheStoreRefusesIsHeldUntilItIsTaken(t *testing.T) {
	for name, through := range map[string]bool{"the write is gone": false, "the write came through": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h, kv := newFickleHost(t, emulator.Config{Calm: true, Rotate: true})
				h.register("rest-1", emulator.REST)
				h.register("rest-2", emulator.REST)
				arrived, release := make(chan struct{}, 1), make(chan struct{})
				h.webex.Script(lab.Hold(arrived, release))
				outcome := make(chan error, 1)
				go func() {
					err := h.fleet.Refresher.Refresh(context.Background(), "rest-1")
					outcome <- err
				}()
				<-arrived
				kv.through.Store(through)
				kv.refuse.Store(true)
				close(release)
				synctest.Wait()
				if !through {
					time.Sleep(time.Hour)
					g := h.is("rest-1", store.Unpersisted, "the store refuses an answer")
					if g.Generation != 1 {
						t.Errorf("a token that is not stored is shown as generation %d", g.Generation)
					}
					if err := h.fleet.Refresher.Refresh(t.Context(), "rest-2"); err == nil {
						t.Error("another refresh was sent")
					}
				}
				kv.refuse.Store(false)
				if err := <-outcome; err != nil {
					t.Fatal(err)
				}
				if g := h.is("rest-1", store.OK, ""); g.Generation != 2 {
					t.Errorf("generation %d", g.Generation)
				}
				time.Sleep(time.Minute)
				if err := h.fleet.Refresher.Refresh(t.Context(), "rest-1"); err != nil {
					t.Errorf("the rotated refresh token does not work: %v", err)
				}
				h.stop()
			})
		})
	}
}

// A contested KV answers outcomes with a conflict and does not let the row be
// read, as long as it is told to.
type contested struct {
	store.KV
	on    atomic.Bool
	tries atomic.Int64
}

func (c *contested) Swap(ctx context.Context, change store.Change) (store.Revision, error) {
	if change.Write == nil || !c.on.Load() {
		return c.KV.Swap(ctx, change)
	}
	if c.tries.Add(1) == 10000 {
		c.on.Store(false) // a loop without a pause would end never
	}
	return 0, store.ErrConflict
}

func (c *contested) Get(ctx context.Context, name string) (store.Row, error) {
	if c.on.Load() {
		return store.Row{}, errors.New("input/output error")
	}
	return c.KV.Get(ctx, name)
}

func TestAnAnswerWhoseRecordCannotBeReadIsSparedAndTriedAtEase(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		kv := new(contested)
		h := &host{t: t, dir: ramDir(t), webex: emulator.New(emulator.Config{Calm: true, Rotate: true}),
			kv: func(backend store.KV) store.KV { kv.KV = backend; return kv }}
		h.configure("")
		h.start()
		t.Cleanup(h.stop)
		h.register("rest-1", emulator.REST)
		arrived, release := make(chan struct{}, 1), make(chan struct{})
		h.webex.Script(lab.Hold(arrived, release))
		go h.fleet.Refresher.Refresh(context.Background(), "rest-1")
		<-arrived
		kv.on.Store(true)
		close(release)
		time.Sleep(time.Hour)
		if n := kv.tries.Load(); n < 2 || n > 200 {
			t.Errorf("%d tries in an hour", n)
		}
		if names := h.spooled(); len(names) != 1 {
			t.Errorf("the spool holds %v", names)
		}
		kv.on.Store(false)
		time.Sleep(time.Minute)
		if g := h.is("rest-1", store.OK, ""); g.Generation != 2 {
			t.Errorf("generation %d", g.Generation)
		}
		h.stop()
	})
}

func TestAnAnswerIsMergedWithWhatHappenedMeanwhile(t *testing.T) {
	during := func(t *testing.T, meanwhile func(h *host)) *host {
		h := newHost(t, emulator.Config{Calm: true, Rotate: true}, "")
		h.register("rest-1", emulator.REST)
		arrived, release := make(chan struct{}, 1), make(chan struct{})
		h.webex.Script(lab.Hold(arrived, release))
		done := make(chan struct{})
		go func() {
			h.fleet.Refresher.Refresh(context.Background(), "rest-1")
			close(done)
		}()
		<-arrived
		meanwhile(h)
		close(release)
		<-done
		return h
	}
	t.Run("a pause stays a pause and the token is stored", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			h := during(t, func(h *host) { h.fleet.Registry.Pause(t.Context(), "rest-1") })
			if g := h.is("rest-1", store.Paused, "paused by the operator"); g.Generation != 2 {
				t.Errorf("generation %d", g.Generation)
			}
			h.stop()
		})
	})
	t.Run("an import stays in force and the answer's refresh token is a fallback", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			var imported emulator.Issued
			h := during(t, func(h *host) {
				imported = h.webex.Issue(emulator.REST, emulator.Consent{})
				h.take("rest-1", imported.Response)
			})
			r := h.stored("rest-1")
			if r.Refresh.Value.Reveal() != imported.RefreshToken {
				t.Error("the import was overwritten")
			}
			found := false
			for _, f := range r.Fallbacks {
				found = found || h.webex.Valid(f.Value.Reveal())
			}
			if !found {
				t.Error("the refresh token of the answer is lost")
			}
			h.stop()
		})
	})
	t.Run("a removed grant stays removed", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			h := during(t, func(h *host) { h.fleet.Registry.Remove(t.Context(), "rest-1") })
			if _, err := h.fleet.Refresher.Current(t.Context(), "rest-1"); err == nil {
				t.Error("it is back")
			}
			h.stop()
		})
	})
}

// Who paused or removed a grant, or gave it other tokens, while its request
// waited for a permit saw it sent all the same.
func TestAGrantThatIsChangedWhileItWaitsForAPermitIsAskedOfAgain(t *testing.T) {
	for name, change := range map[string]func(h *host) error{
		"paused":  func(h *host) error { err := h.fleet.Registry.Pause(h.t.Context(), "slow-2"); return err },
		"removed": func(h *host) error { return h.fleet.Registry.Remove(h.t.Context(), "slow-2") },
		"replaced": func(h *host) error {
			h.take("slow-2", []byte(`{"access_token":"c","refresh_token":"d","expires_in":3600}`))
			return nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, calm, oneByOne, func(t *testing.T, h *host) {
				response := `{"access_token":"a","refresh_token":"%d","expires_in":3600}`
				h.take("slow-1", fmt.Appendf(nil, response, 1))
				h.take("slow-2", fmt.Appendf(nil, response, 2))
				time.Sleep(50 * time.Minute)
				arrived, release := make(chan struct{}, 1), make(chan struct{})
				h.webex.ScriptAt("/token", lab.Hold(arrived, release))
				go h.fleet.Refresher.Refresh(context.Background(), "slow-1")
				<-arrived
				h.fleet.Sweeper.Sweep(t.Context())
				synctest.Wait()
				requests := h.webex.Stats().Requests
				if err := change(h); err != nil {
					t.Fatal(err)
				}
				close(release)
				time.Sleep(time.Minute)
				if n := h.webex.Stats().Requests; n != requests {
					t.Errorf("%d requests were sent", n-requests)
				}
				if open, err := h.store.Intents(t.Context(), "", 10); err != nil || len(open) > 0 {
					t.Errorf("open are %v, %v", open, err)
				}
			})
		})
	}
}

// An import during a refresh whose answer was lost showed as unknown for days,
// and a restart sent the new token for the sake of the old one's outcome.
func TestAnImportDuringARefreshWhoseAnswerIsLostLeavesNothingUnknown(t *testing.T) {
	inBubble(t, emulator.Config{Calm: true, Rotate: true}, "", func(t *testing.T, h *host) {
		h.register("rest-1", emulator.REST)
		arrived, release := make(chan struct{}, 1), make(chan struct{})
		h.webex.Script(lab.Func(func(http.ResponseWriter, *http.Request) {
			arrived <- struct{}{}
			<-release
			panic(http.ErrAbortHandler)
		}))
		done := make(chan struct{})
		go func() {
			h.fleet.Refresher.Refresh(context.Background(), "rest-1")
			close(done)
		}()
		<-arrived
		h.take("rest-1", h.webex.Issue(emulator.REST, emulator.Consent{}).Response)
		close(release)
		<-done
		h.is("rest-1", store.OK, "")
		requests := h.webex.Stats().Requests
		h.restart()
		if n := h.webex.Stats().Requests; n != requests {
			t.Errorf("%d requests at the start", n-requests)
		}
	})
}

// The refusal that the attempt at the start had brought was overwritten by the
// state before it.
func TestARefusalAtTheStartIsNotForgottenForTheAnswerThatWasLost(t *testing.T) {
	inBubble(t, calm, "", func(t *testing.T, h *host) {
		issued := h.register("rest-1", emulator.REST)
		h.crashed("rest-1", 1)
		h.webex.Revoke(issued.RefreshToken)
		h.restart()
		if g := h.grant("rest-1"); g.Reason != "refresh_token_rejected" {
			t.Errorf("%s (%s)", g.State, g.Reason)
		}
	})
}
