package fleet_test

import (
	"context"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"webex-tokend/daemon/emulator"
	"webex-tokend/daemon/emulator/lab"
	"webex-tokend/store"
)

// dies ends the fleet without the patience of a stop: what the store has not
// taken by then is gone from memory.
func (h *host) dies() {
	h.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := h.fleet.Stop(ctx); err == nil {
		h.t.Error("nothing was held in memory")
	}
	if err := h.store.Close(); err != nil {
		h.t.Error(err)
	}
	h.fleet = nil
}

// refusedAnswer lets the store refuse the answer to a refresh of rest-1, whose
// token is rotated without any grace, and the fleet die with it.
func refusedAnswer(t *testing.T) (*host, *fickle) {
	h, kv := newFickleHost(t, emulator.Config{Calm: true, Rotate: true})
	h.register("rest-1", emulator.REST)
	arrived, release := make(chan struct{}, 1), make(chan struct{})
	h.webex.Script(lab.Hold(arrived, release))
	go h.fleet.Refresher.Refresh(context.Background(), "rest-1")
	<-arrived
	kv.refuse.Store(true)
	close(release)
	synctest.Wait()
	h.is("rest-1", store.Unpersisted, "the store refuses an answer")
	h.dies()
	return h, kv
}

func (h *host) spooled() []string {
	h.t.Helper()
	entries, err := os.ReadDir(filepath.Join(h.dir, "spool"))
	if err != nil {
		h.t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

func TestAnAnswerThatTheStoreRefusedSurvivesTheEndOfTheProcess(t *testing.T) {
	for name, kept := range map[string]bool{"in the spool": true, "but not without the spool": false} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h, kv := refusedAnswer(t)
				if names := h.spooled(); len(names) != 1 || names[0] != "rest-1" {
					t.Fatalf("the spool holds %v", names)
				}
				if !kept {
					if err := os.RemoveAll(filepath.Join(h.dir, "spool")); err != nil {
						t.Fatal(err)
					}
				}
				kv.refuse.Store(false)
				h.start()
				synctest.Wait()
				time.Sleep(2 * time.Minute)
				err := h.fleet.Refresher.Refresh(t.Context(), "rest-1")
				if lost := err != nil || h.webex.Stats().Reuses > 0; lost == kept {
					t.Errorf("lost: %t, %v", lost, err)
				}
				if kept && len(h.spooled()) > 0 {
					t.Error("the spool was not emptied")
				}
				h.stop()
			})
		})
	}
}

func TestNothingIsSentWhileTheStoreDoesNotTakeWhatTheSpoolHolds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, kv := refusedAnswer(t)
		h.start()
		sent := h.webex.Stats().Requests
		h.live(time.Hour, time.Minute)
		h.is("rest-1", store.Unpersisted, "the store refuses an answer")
		if n := h.webex.Stats().Requests; n != sent {
			t.Errorf("%d requests were sent", n-sent)
		}
		kv.refuse.Store(false)
		time.Sleep(time.Minute)
		if g := h.is("rest-1", store.OK, ""); g.Generation != 2 {
			t.Errorf("generation %d", g.Generation)
		}
		if err := h.fleet.Refresher.Refresh(t.Context(), "rest-1"); err != nil {
			t.Errorf("the rotated refresh token does not work: %v", err)
		}
		h.stop()
	})
}

func TestWhatTheSpoolHoldsIsMergedWithWhatHappenedSince(t *testing.T) {
	for name, test := range map[string]struct {
		meanwhile func(h *host, kv *fickle)
		check     func(t *testing.T, h *host)
	}{
		"a pause stays": {
			func(h *host, _ *fickle) {
				s, err := h.store.Get(h.t.Context(), "rest-1")
				if err != nil {
					h.t.Fatal(err)
				}
				s.PausedSince = time.Now()
				if _, err := h.store.Put(h.t.Context(), store.Update{Record: s.Record, Expect: s.Revision}); err != nil {
					h.t.Fatal(err)
				}
			},
			func(t *testing.T, h *host) {
				h.is("rest-1", store.Paused, "paused by the operator")
				if r := h.stored("rest-1"); r.Generation != 2 || !h.webex.Valid(r.Refresh.Value.Reveal()) {
					t.Errorf("generation %d, its refresh token works: %t", r.Generation, h.webex.Valid(r.Refresh.Value.Reveal()))
				}
			},
		},
		"tokens that were imported since stay in force": {
			func(h *host, _ *fickle) {
				s, err := h.store.Get(h.t.Context(), "rest-1")
				if err != nil {
					h.t.Fatal(err)
				}
				s.Refresh = store.RefreshToken{Value: store.NewSecret("imported"), FirstSeen: time.Now()}
				if _, err := h.store.Put(h.t.Context(), store.Update{Record: s.Record, Expect: s.Revision}); err != nil {
					h.t.Fatal(err)
				}
			},
			func(t *testing.T, h *host) {
				r := h.stored("rest-1")
				if r.Refresh.Value.Reveal() != "imported" {
					t.Error("they were replaced")
				}
				if len(r.Fallbacks) == 0 || !h.webex.Valid(r.Fallbacks[0].Value.Reveal()) {
					t.Error("the answer's refresh token is gone")
				}
			},
		},
		"a removed grant stays removed": {
			func(h *host, _ *fickle) {
				s, err := h.store.Get(h.t.Context(), "rest-1")
				if err != nil {
					h.t.Fatal(err)
				}
				gone := &store.Record{Name: "rest-1", Removed: true}
				if _, err := h.store.Put(h.t.Context(), store.Update{Record: gone, Expect: s.Revision}); err != nil {
					h.t.Fatal(err)
				}
			},
			func(t *testing.T, h *host) {
				if !h.stored("rest-1").Removed {
					t.Error("it came back")
				}
			},
		},
		"a record that was damaged since is whole again": {
			func(h *host, _ *fickle) { h.damage("rest-1") },
			func(t *testing.T, h *host) {
				if g := h.is("rest-1", store.OK, ""); g.Generation != 2 {
					t.Errorf("generation %d", g.Generation)
				}
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h, kv := refusedAnswer(t)
				kv.refuse.Store(false)
				h.openStore()
				test.meanwhile(h, kv)
				if err := h.store.Close(); err != nil {
					t.Fatal(err)
				}
				h.start()
				synctest.Wait()
				test.check(t, h)
				if names := h.spooled(); len(names) > 0 {
					t.Errorf("the spool still holds %v", names)
				}
				h.stop()
			})
		})
	}
}

// An amnesiac KV acknowledges outcomes and does not store them.
type amnesiac struct {
	store.KV
	forgets atomic.Bool
}

func (f *amnesiac) Swap(ctx context.Context, c store.Change) (store.Revision, error) {
	if c.Write != nil && f.forgets.Load() {
		row, err := f.KV.Get(ctx, c.Name)
		return row.Revision, err
	}
	return f.KV.Swap(ctx, c)
}

func TestAnOutcomeThatCannotBeReadBackIsNotBelieved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		kv := new(amnesiac)
		h := &host{t: t, dir: ramDir(t), webex: emulator.New(emulator.Config{Calm: true, Rotate: true}),
			kv: func(backend store.KV) store.KV { kv.KV = backend; return kv }}
		h.configure("")
		h.start()
		t.Cleanup(h.stop)
		h.register("rest-1", emulator.REST)
		h.register("rest-2", emulator.REST)
		kv.forgets.Store(true)
		go h.fleet.Refresher.Refresh(context.Background(), "rest-1")
		synctest.Wait()
		h.is("rest-1", store.Unpersisted, "the store refuses an answer")
		sent := h.webex.Stats().Requests
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := h.fleet.Refresher.Refresh(ctx, "rest-2"); err == nil || h.webex.Stats().Requests != sent {
			t.Errorf("another refresh was sent: %v", err)
		}
		kv.forgets.Store(false)
		time.Sleep(time.Minute)
		if g := h.is("rest-1", store.OK, ""); g.Generation != 2 {
			t.Errorf("generation %d", g.Generation)
		}
		if len(h.spooled()) > 0 {
			t.Error("the spool was not emptied")
		}
		h.stop()
	})
}
