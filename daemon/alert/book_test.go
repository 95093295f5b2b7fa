package alert_test

import (
	"fmt"
	"testing"
	"time"

	"webex-tokend/store"
)

func TestWhatWasToldAndDoesNotParseIsToldAgain(t *testing.T) {
	for _, damaged := range []string{
		``, `null`, `[]`, `{"window/rest-1": null}`, `{"window/rest-1": {"since": 3}}`,
		`{"no kind": {}, "nothing/rest-1": {}, "crowd": {}}`, `{"window/rest-1": {`,
	} {
		inBubble(t, fixed, func(t *testing.T, h *host) {
			h.register("rest-1")
			h.live(63*day, 6*time.Hour)
			h.hears("window rest-1 28d")
			h.stop()
			for i := range 32 {
				if _, err := h.memory.SwapBlob(t.Context(), fmt.Sprintf("alert/%02x", i), store.Any, []byte(damaged)); err != nil {
					t.Fatal(err)
				}
			}
			h.start()
			h.sweep()
			h.hears("window rest-1 28d")
			h.restart()
			h.live(time.Minute, time.Second)
			h.hears()
		})
	}
}
