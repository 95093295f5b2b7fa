package alert_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"webex-tokend/daemon/emulator"
	"webex-tokend/daemon/emulator/lab"
)

func TestEachTimeBeforeAnEndIsToldOnceAndThatItIsOver(t *testing.T) {
	inBubble(t, fixed, func(t *testing.T, h *host) {
		h.register("rest-1")
		h.live(90*day-6*time.Hour, time.Hour)
		messages := h.messages()
		var stages []string
		for i, m := range messages {
			stages = append(stages, strings.TrimPrefix(m.ID, m.Incident+"-"))
			severity := "warning"
			if i >= 3 {
				severity = "critical"
			}
			if m.Severity != severity || m.Incident != messages[0].Incident {
				t.Errorf("message %d: %+v", i, m)
			}
		}
		if want := []string{"28d", "14d", "7d", "3d", "1d", "12h"}; !slices.Equal(stages, want) {
			t.Fatalf("told %q", stages)
		}
		m := messages[2]
		at := m.WindowEndsAt.Format("2006-01-02 15:04 UTC")
		if m.Text != "rest-1: the refresh window ends in 7d, on "+at+"; a new consent is needed before" ||
			m.Action != "webex-tokend import rest-1" || m.Host != "tokens-1" || m.State != "ok" || m.Kind != "window" {
			t.Errorf("it says %+v", m)
		}

		h.register("rest-1")
		h.live(time.Hour, time.Hour)
		over := h.messages()
		if len(over) != 1 || !over[0].Resolved || over[0].Incident != messages[0].Incident || over[0].Action != "" {
			t.Errorf("after a new consent: %+v", over)
		}
		h.live(61*day, time.Hour)
		next := h.messages()
		if len(next) != 0 {
			t.Errorf("long before the next end: %+v", next)
		}
		h.live(4*day, time.Hour)
		next = h.messages()
		if len(next) != 1 || next[0].Incident == messages[0].Incident || !strings.HasSuffix(next[0].ID, "-28d") {
			t.Errorf("before the next end: %+v", next)
		}
	})
}

func TestOfTimesThatPassedWhileTheDaemonWasAwayTheNearestIsTold(t *testing.T) {
	inBubble(t, fixed, func(t *testing.T, h *host) {
		h.register("rest-1")
		h.live(63*day, 6*time.Hour)
		h.hears("window rest-1 28d")
		h.stop()
		time.Sleep(21 * day)
		h.start()
		h.sweep()
		h.hears("window rest-1 7d")
		h.live(4*day, time.Hour)
		h.hears("window rest-1 3d")
	})
}

func TestARestartTellsNothingAnewAndForgetsNothing(t *testing.T) {
	inBubble(t, fixed, func(t *testing.T, h *host) {
		h.register("rest-1")
		h.live(80*day, 6*time.Hour)
		first := h.messages()
		if len(first) != 2 {
			t.Fatalf("told %v", first)
		}
		for range 3 {
			h.restart()
			h.live(time.Minute, 10*time.Second)
		}
		h.hears()
		h.stop()
		h.start()
		h.register("rest-1")
		h.sweep()
		over := h.messages()
		if len(over) != 1 || !over[0].Resolved || over[0].Incident != first[0].Incident {
			t.Errorf("after a new consent: %+v", over)
		}
	})
}

func TestAWindowThatEveryRefreshMovesIsNotToldOfUntilRefreshesFail(t *testing.T) {
	inBubble(t, emulator.Config{Calm: true, RefreshLife: 20 * day, AccessLife: day}, func(t *testing.T, h *host) {
		h.register("rest-1")
		h.live(2*day, time.Hour)
		h.hears("window rest-1 28d", "window rest-1 over") // until it is seen that it slides
		h.live(30*day, time.Hour)
		h.hears()
		h.webex.Down(true)
		h.live(14*day, time.Hour)
		heard := h.heard()
		for _, want := range []string{"window rest-1 28d", "window rest-1 14d", "window rest-1 7d"} {
			if !slices.Contains(heard, want) {
				t.Errorf("%s is not among %q", want, heard)
			}
		}
	})
}

func TestAGrantThatIsPausedOrUndeclaredStillCountsDown(t *testing.T) {
	inBubble(t, calm, func(t *testing.T, h *host) {
		h.register("rest-1")
		if err := h.fleet.Registry.Pause(t.Context(), "rest-1"); err != nil {
			t.Fatal(err)
		}
		h.live(91*day, 6*time.Hour)
		h.hears("expired rest-1 0s", "window rest-1 28d", "window rest-1 14d", "window rest-1 7d", "window rest-1 3d", "window rest-1 1d",
			"window rest-1 12h", "window rest-1 0s")
	})
}

func TestATokenThatNobodyCanRefreshCountsDownByItself(t *testing.T) {
	inBubble(t, calm, func(t *testing.T, h *host) {
		h.take("bot-1", `{"access_token":"a","expires_in":864000}`)
		h.live(10*day-time.Hour, time.Hour)
		h.hears("token bot-1 14d", "token bot-1 7d", "token bot-1 3d", "token bot-1 1d", "token bot-1 12h")
		h.live(2*time.Hour, time.Minute)
		h.hears("consent bot-1 0s")
		h.take("bot-1", `{"access_token":"b","expires_in":8640000}`)
		h.sweep()
		h.hearsInAnyOrder("consent bot-1 over", "token bot-1 over")
	})
}

func TestAWrongClockIsNoReasonToMissATime(t *testing.T) {
	inBubble(t, fixed, func(t *testing.T, h *host) {
		h.register("rest-1")
		h.live(day, time.Hour)
		if err := h.fleet.Registry.Pause(t.Context(), "rest-1"); err != nil {
			t.Fatal(err) // else it is refreshed under the wrong clock
		}
		h.ahead.Store(int64(87 * day))
		h.sweep()
		h.hears("window rest-1 3d", "expired rest-1 0s")
		h.ahead.Store(int64(50 * day))
		h.sweep()
		h.hears("window rest-1 over")
		h.live(20*day, time.Hour)
		h.ahead.Store(int64(66 * day))
		h.sweep()
		h.hears("window rest-1 28d", "window rest-1 3d")
		// From three days back to twenty: the times between come again, under other IDs.
		h.ahead.Store(int64(50 * day))
		h.live(20*day, time.Hour)
		h.hears("window rest-1 14d-1", "window rest-1 7d-1", "window rest-1 3d-1", "window rest-1 1d-1", "window rest-1 12h-1", "window rest-1 0s-1")
	})
}

func TestAReloadTakesOverTimesAndWays(t *testing.T) {
	inBubble(t, fixed, func(t *testing.T, h *host) {
		h.register("rest-1")
		h.live(70*day, 6*time.Hour)
		h.hears("window rest-1 28d")
		const before = "before = [\"21d\", \"1d\"]\n"
		h.configure(before + toPager)
		h.live(time.Minute, 10*time.Second)
		h.hears("window rest-1 21d")
		h.configure(before)
		h.live(time.Minute, 10*time.Second)
		h.hears()
		if f := h.alerts.Figures(); len(f) != 1 || f[0].Way != "log" {
			t.Errorf("figures are %+v", f)
		}
		// Whoever is new learns what there is.
		h.configure(before + toPager)
		h.live(time.Minute, 10*time.Second)
		h.hears("window rest-1 21d")
	})
}

func TestAnEndThatWaversIsToldOnce(t *testing.T) {
	inBubble(t, calm, func(t *testing.T, h *host) {
		h.register("rest-1")
		for i := range 200 {
			// About the seventh day before the end, to and fro by some seconds.
			left := int((7*day)/time.Second) - 10 + i%20
			h.webex.Script(lab.Reply(200, nil, fmt.Sprintf(`{"access_token":"a%d","expires_in":86400,"refresh_token_expires_in":%d}`, i, left)))
			h.refresh("rest-1")
			h.sweep()
			time.Sleep(time.Minute)
		}
		h.hears("window rest-1 7d")
	})
}
