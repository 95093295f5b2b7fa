package fleet_test

import (
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"webex-tokend/daemon/emulator"
	"webex-tokend/daemon/emulator/lab"
	"webex-tokend/daemon/provider"
	"webex-tokend/daemon/registry"
	"webex-tokend/store"
)

const clockGrants = 20

// wrongClock runs a test with grants of either kind and a clock that is as far
// ahead as offset says, in nanoseconds.
func wrongClock(t *testing.T, ahead time.Duration, test func(t *testing.T, h *host, offset *atomic.Int64)) {
	synctest.Test(t, func(t *testing.T) {
		var offset atomic.Int64
		offset.Store(int64(ahead))
		h := &host{t: t, dir: ramDir(t), webex: emulator.New(calm),
			now: func() time.Time { return time.Now().Add(time.Duration(offset.Load())) }}
		h.configure("")
		h.start()
		t.Cleanup(h.stop)
		for i := range clockGrants {
			h.register(fmt.Sprintf("rest-%d", i), emulator.REST)
			h.register(fmt.Sprintf("meetings-%d", i), emulator.Meetings)
		}
		h.live(3*time.Minute, time.Second)
		test(t, h, &offset)
		h.stop()
	})
}

// refreshedOnce fails unless every grant got one new token, no matter when.
func (h *host) refreshedOnce() {
	h.t.Helper()
	for i := range clockGrants {
		for _, kind := range []string{"rest", "meetings"} {
			g := h.is(fmt.Sprintf("%s-%d", kind, i), store.OK, "")
			if left := time.Until(*g.AccessExpiresAt); left > 15*day {
				h.t.Errorf("%s is said to live %v", g.Name, left)
			}
		}
	}
	if n := h.webex.Stats().Requests; n != 2*clockGrants {
		h.t.Errorf("%d requests for %d grants", n, 2*clockGrants)
	}
}

func TestAClockThatIsSetBackWhileTheDaemonRunsLeavesNoGrantInTheFuture(t *testing.T) {
	wrongClock(t, 10*365*day, func(t *testing.T, h *host, offset *atomic.Int64) {
		offset.Store(0)
		h.live(3*time.Minute, time.Second)
		h.refreshedOnce()
	})
}

func TestARefreshUnderAClockThatWasAheadHoldsUpNoneUnderTheRightOne(t *testing.T) {
	wrongClock(t, 10*365*day, func(t *testing.T, h *host, offset *atomic.Int64) {
		for i := range clockGrants {
			for _, kind := range []string{"rest", "meetings"} {
				if err := h.fleet.Refresher.Refresh(t.Context(), fmt.Sprintf("%s-%d", kind, i)); err != nil {
					t.Fatal(err)
				}
			}
		}
		before := h.webex.Stats().Requests
		offset.Store(0)
		h.live(3*time.Minute, time.Second)
		if n := h.webex.Stats().Requests - before; n != 2*clockGrants {
			t.Errorf("%d requests for %d grants", n, 2*clockGrants)
		}
	})
}

func TestAClockThatIsSetBackBetweenTwoRunsLeavesNoGrantInTheFuture(t *testing.T) {
	wrongClock(t, 10*365*day, func(t *testing.T, h *host, offset *atomic.Int64) {
		h.stop()
		offset.Store(0)
		h.start()
		h.live(3*time.Minute, time.Second)
		h.refreshedOnce()
	})
}

func TestAClockThatJumpsForwardRefreshesEachGrantOnce(t *testing.T) {
	wrongClock(t, 0, func(t *testing.T, h *host, offset *atomic.Int64) {
		offset.Store(int64(20 * day))
		h.live(3*time.Minute, time.Second)
		if n := h.webex.Stats().Requests; n != 2*clockGrants {
			t.Errorf("%d requests for %d grants", n, 2*clockGrants)
		}
	})
}

func TestASmallCorrectionOfTheClockChangesNothing(t *testing.T) {
	wrongClock(t, 0, func(t *testing.T, h *host, offset *atomic.Int64) {
		for _, by := range []time.Duration{-40 * time.Second, 0, 40 * time.Second} {
			offset.Store(int64(by))
			h.live(3*time.Minute, time.Second)
		}
		if n := h.webex.Stats().Requests; n != 0 {
			t.Errorf("%d requests", n)
		}
	})
}

// What is waited for in memory was begun under the wrong clock, too.
func TestAClockThatIsSetBackMakesNoPauseLonger(t *testing.T) {
	const year = 365 * day
	t.Run("of an endpoint that asked for patience, and for more since", func(t *testing.T) {
		wrongClock(t, year, func(t *testing.T, h *host, offset *atomic.Int64) {
			h.webex.Script(lab.Limit("60"))
			_ = h.fleet.Refresher.Refresh(t.Context(), "rest-1")
			offset.Store(0)
			h.live(2*time.Minute, time.Second)
			h.webex.Script(lab.Limit("600"))
			if err := h.fleet.Refresher.Refresh(t.Context(), "rest-1"); err == nil {
				t.Error("refreshed by a 429")
			}
			h.restart()
			if left := closedFor(t, h, "rest-2"); left != 10*time.Minute {
				t.Errorf("closed for %v", left)
			}
		})
	})
	t.Run("of an endpoint that failed", func(t *testing.T) {
		wrongClock(t, year, func(t *testing.T, h *host, offset *atomic.Int64) {
			h.webex.Down(true)
			for i := range clockGrants {
				_ = h.fleet.Refresher.Refresh(t.Context(), fmt.Sprintf("rest-%d", i))
			}
			offset.Store(0)
			h.webex.Down(false)
			h.live(time.Hour, time.Second)
			h.is("rest-1", store.OK, "")
		})
	})
	t.Run("of a client that was refused", func(t *testing.T) {
		wrongClock(t, year, func(t *testing.T, h *host, offset *atomic.Int64) {
			h.webex.RejectClient(h.webex.Client(emulator.REST).ID, true)
			_ = h.fleet.Refresher.Refresh(t.Context(), "rest-1")
			offset.Store(0)
			h.webex.RejectClient(h.webex.Client(emulator.REST).ID, false)
			h.live(time.Hour, time.Second)
			h.is("rest-1", store.OK, "")
		})
	})
}

// A static token that had expired under a clock that was ahead stayed dead.
func TestAStaticTokenOutlivesAClockThatWasAhead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var offset atomic.Int64
		h := &host{t: t, dir: ramDir(t), webex: emulator.New(calm),
			now: func() time.Time { return time.Now().Add(time.Duration(offset.Load())) }}
		h.configure(statics)
		h.start()
		defer h.stop()
		if _, err := h.fleet.Registry.Register(t.Context(), "bot-short", registry.Registration{
			Answer: provider.Answer{Access: store.NewSecret("personal"), AccessEnd: time.Now().Add(12 * time.Hour)},
		}); err != nil {
			t.Fatal(err)
		}
		h.live(3*time.Minute, time.Second)
		offset.Store(int64(24 * time.Hour))
		h.live(time.Minute, time.Second)
		h.is("bot-short", store.Reauthorize, "token_expired")
		offset.Store(0)
		h.live(2*time.Minute, time.Second)
		h.is("bot-short", store.OK, "token_ends")
	})
}
