package keeper_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"webex-tokend/daemon/emulator"
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
		if _, err := h.keeper.Refresh(t.Context(), "rest-1"); err == nil {
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
		if _, err := h.keeper.Refresh(t.Context(), "rest-1"); err == nil {
			t.Fatal("a refresh is sent that cannot be stored")
		}
		kv.refuse.Store(false)
		if _, err := h.keeper.Pause(t.Context(), "rest-1"); err != nil {
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
