package fleet_test

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"webex-tokend/daemon/emulator"
	"webex-tokend/daemon/emulator/lab"
)

func TestTroubleIsWhatHoldsBackMoreThanOneGrant(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, kv := newFickleHost(t, calm)
		defer func() { h.stop() }()
		h.register("rest-1", emulator.REST)
		h.register("meetings-1", emulator.Meetings)
		if got := h.report.Trouble(); len(got.Rejected) > 0 || len(got.Unpersisted) > 0 || got.StoreError != "" || got.Overdue > 0 {
			t.Errorf("at first there is %+v", got)
		}

		client := h.webex.Client(emulator.Meetings).ID
		h.webex.RejectClient(client, true)
		h.fleet.Refresher.Refresh(t.Context(), "meetings-1")
		if got := h.report.Trouble(); len(got.Rejected) != 1 || got.Rejected["meetings"].Reason != "unauthorized" {
			t.Errorf("with a refused client there is %+v", got)
		}
		h.webex.RejectClient(client, false)
		time.Sleep(time.Hour)
		h.fleet.Refresher.Refresh(t.Context(), "meetings-1")

		arrived, release := make(chan struct{}, 1), make(chan struct{})
		h.webex.Script(lab.Hold(arrived, release))
		go h.fleet.Refresher.Refresh(context.Background(), "rest-1")
		<-arrived
		kv.refuse.Store(true)
		close(release)
		synctest.Wait()
		if got := h.report.Trouble(); len(got.Rejected) > 0 || !slices.Equal(got.Unpersisted, []string{"rest-1"}) || got.StoreError != "no space left on device" || got.StoreAction == "" {
			t.Errorf("with an answer that is not stored there is %+v", got)
		}
		kv.refuse.Store(false)
		time.Sleep(time.Minute)
		if got := h.report.Trouble(); len(got.Unpersisted) > 0 || got.StoreError != "" {
			t.Errorf("once it is stored there is %+v", got)
		}
		h.take("rest-2", []byte(`{"access_token":"x","refresh_token":"y","expires_in":1200}`))
		time.Sleep(30 * time.Minute)
		h.fleet.Sweeper.Sweep(t.Context())
		if got := h.report.Trouble(); got.Overdue != 1 {
			t.Errorf("with a late sweep there is %+v", got)
		}
	})
}
