package alert_test

import (
	"testing"
	"testing/synctest"
	"time"
)

// looks lets time pass with a look each ten seconds, and nobody sweeps.
func (h *host) looks(during time.Duration) {
	h.t.Helper()
	for end := time.Now().Add(during); time.Now().Before(end); time.Sleep(10 * time.Second) {
		h.alerts.Look()
		synctest.Wait()
	}
}

// A look before the first sweep told of windows and tokens that the sweep saved in
// the same breath.
func TestWhatTheFirstSweepHealsIsNotTold(t *testing.T) {
	inBubble(t, calm, func(t *testing.T, h *host) {
		h.register("rest-1")
		h.register("rest-2")
		h.live(8*day, time.Hour) // one refresh each, so that it is known that windows slide
		h.webex.Down(true)
		h.refresh("rest-2")
		h.hears()
		h.webex.Down(false)
		h.stop()
		time.Sleep(80 * day)
		h.start()
		h.looks(time.Minute)
		h.hears()
		h.live(day, time.Minute)
		h.hears()
	})
}

func TestWhatTheFirstSweepDoesNotHealIsToldSoonAfterIt(t *testing.T) {
	inBubble(t, calm, func(t *testing.T, h *host) {
		h.register("rest-1")
		h.live(8*day, time.Hour)
		h.webex.Down(true)
		h.stop()
		time.Sleep(80 * day)
		h.start()
		h.live(3*time.Minute, time.Second)
		h.hearsInAnyOrder("expired rest-1 0s", "failing rest-1 0s", "window rest-1 14d")
	})
}

func TestASuspendedHostTellsOfWhatNobodyRefreshesAfterIt(t *testing.T) {
	inBubble(t, calm, func(t *testing.T, h *host) {
		h.register("rest-1")
		h.live(14*day, time.Hour)
		time.Sleep(80 * day)
		h.looks(time.Minute)
		h.hears()
		h.looks(2 * time.Minute)
		h.hears("expired rest-1 0s") // its window slides, and is moved as soon as somebody sweeps
	})
}

func TestAPausedGrantIsToldOfWhenItsTokenHasExpired(t *testing.T) {
	inBubble(t, calm, func(t *testing.T, h *host) {
		h.register("rest-1")
		if err := h.fleet.Registry.Pause(t.Context(), "rest-1"); err != nil {
			t.Fatal(err)
		}
		h.live(14*day, time.Hour)
		h.live(5*time.Minute, time.Minute)
		messages := h.messages()
		if len(messages) != 1 || messages[0].Kind != "expired" || messages[0].Severity != "critical" || messages[0].Action != "webex-tokend resume rest-1" {
			t.Errorf("told %+v", messages)
		}
	})
}

func TestGrantsThatWaitTooLongForTheirFirstTokensAreToldInOneMessage(t *testing.T) {
	inBubble(t, calm, func(t *testing.T, h *host) {
		h.declared = []string{"rest-1", "rest-2"}
		h.configure(toPager)
		h.restart()
		h.live(time.Hour, time.Minute)
		h.hears()
		h.live(10*time.Minute, time.Minute)
		messages := h.messages()
		if len(messages) != 1 || messages[0].Kind != "pending" || messages[0].Severity != "warning" || messages[0].Count != 2 ||
			messages[0].Text != "no tokens yet, long after they were declared: rest-1, rest-2" || messages[0].Action != "webex-tokend status rest-1" {
			t.Fatalf("told %+v", messages)
		}
		h.restart() // which does not know since when they wait
		h.live(10*time.Minute, time.Minute)
		h.hears()
		h.register("rest-1")
		h.register("rest-2")
		h.live(time.Minute, time.Second)
		h.hears("pending  over")
	})
}
