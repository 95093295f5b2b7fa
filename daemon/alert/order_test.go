package alert_test

import (
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"webex-tokend/daemon/alert"
	"webex-tokend/daemon/emulator/lab"
)

// bothSeverities makes three warnings, on static tokens that end in ten days, and
// three critical troubles, on refresh tokens that are refused, in turn and before
// anybody is notified.
func (h *host) bothSeverities() {
	h.t.Helper()
	h.pager.set(true)
	for i := range 3 {
		h.take(fmt.Sprint("bot-", i), fmt.Sprintf(`{"access_token":"a%d","expires_in":864000}`, i))
		name := fmt.Sprint("rest-", i)
		h.webex.Revoke(h.register(name).RefreshToken)
		h.refresh(name)
	}
	h.live(time.Minute, time.Second)
	h.pager.set(false)
}

func TestWhatIsCriticalIsToldFirst(t *testing.T) {
	inBubble(t, calm, func(t *testing.T, h *host) {
		h.bothSeverities()
		h.restart() // which knows of no attempts
		h.live(time.Minute, time.Second)
		var severities []string
		for _, m := range h.messages() {
			severities = append(severities, m.Severity)
		}
		if len(severities) != 6 || !slices.IsSorted(severities) {
			t.Errorf("told in the order %q", severities)
		}
	})
}

func TestWhatIsNeverTakenHoldsUpNothingElse(t *testing.T) {
	inBubble(t, calm, func(t *testing.T, h *host) {
		h.pager.refuses = func(m alert.Message) bool { return m.Severity == "critical" }
		h.bothSeverities()
		h.live(30*time.Minute, time.Second)
		h.hearsInAnyOrder("token bot-0 14d", "token bot-1 14d", "token bot-2 14d")
	})
}

func TestAPagerThatIsAwayIsTriedThreeTimesAtOnce(t *testing.T) {
	inBubble(t, calm, func(t *testing.T, h *host) {
		h.pager.set(true)
		for i := range 9 {
			h.take(fmt.Sprint("bot-", i), fmt.Sprintf(`{"access_token":"a%d","expires_in":80000}`, i))
		}
		h.sweep()
		if h.pager.attempts != 3 {
			t.Errorf("%d attempts", h.pager.attempts)
		}
	})
}

func TestWhatIsTakenDuringTheStopIsNotToldAgain(t *testing.T) {
	inBubble(t, calm, func(t *testing.T, h *host) {
		h.pager.hold = make(chan struct{})
		h.take("bot-1", `{"access_token":"a","expires_in":80000}`)
		h.sweep()
		h.end()
		synctest.Wait()
		close(h.pager.hold)
		h.restart()
		h.live(time.Minute, time.Second)
		h.hears("token bot-1 1d")
	})
}

func TestWhatWasToldRightBeforeACrashIsToldAgainUnderItsID(t *testing.T) {
	inBubble(t, calm, func(t *testing.T, h *host) {
		h.pager.hold = make(chan struct{})
		h.take("bot-1", `{"access_token":"a","expires_in":80000}`)
		h.sweep()
		h.dead.Store(true) // nothing that comes later is there after the restart
		close(h.pager.hold)
		h.live(time.Minute, time.Second)
		h.stop()
		h.dead.Store(false)
		h.start()
		h.live(time.Minute, time.Second)
		messages := h.messages()
		if len(messages) != 2 || messages[0].ID != messages[1].ID {
			t.Errorf("told %+v", messages)
		}
	})
}

func TestAClockThatIsSetBackKeepsNoRecoveryUntold(t *testing.T) {
	inBubble(t, calm, func(t *testing.T, h *host) {
		h.ahead.Store(int64(365 * day))
		h.register("rest-1")
		for range 2 { // the second time it has to stay away for a while
			h.webex.Script(lab.Reply(400, nil, `{"error":"invalid_grant"}`))
			h.refresh("rest-1")
			h.sweep()
			time.Sleep(2 * time.Minute)
			h.refresh("rest-1")
			h.sweep()
		}
		h.hears("consent rest-1 10m", "consent rest-1 over", "consent rest-1 10m")
		h.ahead.Store(0)
		h.live(time.Hour, time.Minute)
		if heard := h.heard(); len(heard) != 1 || heard[0] != "consent rest-1 over" {
			t.Errorf("heard %q", heard)
		}
	})
}
