package fleet_test

import (
	"testing"
	"time"

	"webex-tokend/daemon/emulator"
)

// Each walk over the records let a grant fall due at once again whose last
// refresh had brought the token that was there already.
func TestAWalkDoesNotBringBackARefreshThatGainedNothing(t *testing.T) {
	same := emulator.Mischief{SameToken: 1}
	inBubble(t, emulator.Config{Mischief: &same}, earlier, func(t *testing.T, h *host) {
		h.tenants(1)
		const name = "tenant-0000"
		h.live(4*day, time.Hour) // it falls due at a fifth of 14 days
		before := h.stored(name)
		if before.LastRefreshAt.IsZero() || before.Generation != 1 || before.DueAt.Before(time.Now()) {
			t.Fatalf("generation %d was refreshed at %v and falls due at %v", before.Generation, before.LastRefreshAt, before.DueAt)
		}
		requests := h.webex.Stats().Requests
		h.reconfigure(earlier + "grant \"another\" {\n  integration = \"rest\"\n}\n")
		h.sweep()
		if due := h.stored(name).DueAt; !due.Equal(before.DueAt) {
			t.Errorf("it falls due at %v, and did at %v before the walk", due, before.DueAt)
		}
		if n := h.webex.Stats().Requests - requests; n != 0 {
			t.Errorf("%d requests merely for a walk", n)
		}
	})
}
