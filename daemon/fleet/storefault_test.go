package fleet_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"webex-tokend/daemon/emulator"
	"webex-tokend/daemon/emulator/lab"
	"webex-tokend/store"
)

func TestAStoreThatRefusesWritesIsShownUntilTheRefreshThatItHeldUpIsMadeUpFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, kv := newFickleHost(t, calm)
		defer h.stop()
		h.register("rest-1", emulator.REST)
		if got := h.status(nil).Keeper; got.StoreError != "" || got.Action != "" {
			t.Errorf("at first there is %+v", got)
		}
		kv.refuse.Store(true)
		if err := h.fleet.Refresher.Refresh(t.Context(), "rest-1"); err == nil {
			t.Fatal("a refresh is sent that cannot be stored")
		}
		for range 60 {
			time.Sleep(time.Minute)
			h.sweep()
			if got := h.status(nil).Keeper; got.StoreError == "" || !strings.HasPrefix(got.Action, "df -h /") {
				t.Fatalf("while writes are refused there is %+v", got)
			}
		}
		kv.refuse.Store(false)
		time.Sleep(time.Minute)
		h.sweep()
		if got := h.status(nil).Keeper; got.StoreError != "" {
			t.Errorf("once writes are accepted there is %+v", got)
		}
		if g := h.grant("rest-1"); g.Generation != 2 {
			t.Errorf("the refresh was not made up for: generation %d", g.Generation)
		}
	})
}

func TestARefreshThatNobodyWantsAnyMoreIsNotMadeUpFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, kv := newFickleHost(t, calm)
		defer h.stop()
		h.register("rest-1", emulator.REST)
		kv.refuse.Store(true)
		if err := h.fleet.Refresher.Refresh(t.Context(), "rest-1"); err == nil {
			t.Fatal("a refresh is sent that cannot be stored")
		}
		kv.refuse.Store(false)
		if err := h.fleet.Registry.Pause(t.Context(), "rest-1"); err != nil {
			t.Fatal(err)
		}
		for range 3 {
			time.Sleep(time.Minute)
			h.sweep()
		}
		if got, g := h.status(nil).Keeper, h.grant("rest-1"); got.StoreError != "" || g.Generation != 1 {
			t.Errorf("there is %+v at generation %d", got, g.Generation)
		}
	})
}

// Requests that waited for a permit were sent after the store had refused the
// answer to the one before.
func TestNothingIsSentForAPermitThatComesAfterTheStoreRefusedAnAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := new(fickle)
		h := &host{t: t, dir: ramDir(t), webex: emulator.New(calm), kv: func(kv store.KV) store.KV { f.KV = kv; return f }}
		h.configure(oneByOne)
		h.start()
		defer h.stop()
		for i := range 4 {
			h.take(fmt.Sprint("slow-", i), fmt.Appendf(nil, `{"access_token":"a%d","refresh_token":"r%d","expires_in":3600}`, i, i))
		}
		h.register("rest-1", emulator.REST)
		var sent atomic.Int64
		release := make(chan struct{})
		answer := lab.Func(func(w http.ResponseWriter, r *http.Request) {
			n := sent.Add(1)
			if n == 1 {
				<-release
			}
			fmt.Fprintf(w, `{"access_token":"b%d","refresh_token":"s%d","expires_in":3600}`, n, n)
		})
		for range 10 {
			h.webex.ScriptAt("/token", answer)
		}
		time.Sleep(50 * time.Minute)
		h.fleet.Sweeper.Sweep(t.Context())
		synctest.Wait()
		if sent.Load() != 1 {
			t.Fatalf("%d are sent", sent.Load())
		}
		// A permit is free again before the answer is stored, so that the store has
		// to be known to refuse before the answer comes.
		f.refuse.Store(true)
		if err := h.fleet.Refresher.Refresh(t.Context(), "rest-1"); err == nil {
			t.Fatal("a refresh is sent that cannot be stored")
		}
		close(release)
		time.Sleep(3 * time.Minute)
		if n := sent.Load(); n != 1 {
			t.Errorf("%d requests were sent, all but the first while the store refuses writes", n)
		}
		f.refuse.Store(false)
		h.live(5*time.Minute, time.Second)
		for i := range 4 {
			if g := h.grant(fmt.Sprint("slow-", i)); g.State != string(store.OK) || g.Generation != 2 {
				t.Errorf("%s: %s (%s), generation %d", g.Name, g.State, g.Reason, g.Generation)
			}
		}
	})
}
