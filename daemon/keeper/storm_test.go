package keeper_test

import (
	"fmt"
	"testing"
	"time"

	"webex-tokend/daemon/emulator"
	"webex-tokend/store"
)

func TestAnEndpointThatIsAwayIsTriedByOneRequestAMinute(t *testing.T) {
	const grants = 200
	inBubble(t, calm, "", func(t *testing.T, h *host) {
		for i := range grants {
			h.register(fmt.Sprintf("meetings-%d", i), emulator.Meetings)
		}
		h.webex.Down(true)
		h.live(90*time.Minute, time.Second)
		tried := h.webex.Stats().Unreachable
		h.live(30*time.Minute, time.Second)
		if n := h.webex.Stats().Unreachable - tried; n < 10 || n > 120 {
			t.Errorf("%d requests in half an hour to an endpoint that is away, with %d grants due", n, grants)
		}
		h.webex.Down(false)
		h.live(3*time.Minute, time.Second)
		for i := range grants {
			h.is(fmt.Sprintf("meetings-%d", i), store.OK, "")
		}
		if n := h.webex.Stats().Refreshes; n != grants {
			t.Errorf("%d refreshes of %d grants after the outage", n, grants)
		}
	})
}

// A grant that had failed all through an outage waited ten minutes for each
// failure that came right after it, with no token that lived.
func TestAFailureAfterAnOutageIsTriedAgainAsIfItWereTheFirst(t *testing.T) {
	inBubble(t, calm, "", func(t *testing.T, h *host) {
		h.register("meetings-1", emulator.Meetings)
		h.webex.Down(true)
		h.live(6*time.Hour, time.Second)
		h.webex.Down(false)
		h.webex.Script(emulator.Reply(429, nil, ""), emulator.Reply(502, nil, ""))
		h.live(10*time.Minute, time.Second)
		h.is("meetings-1", store.OK, "")
	})
}
