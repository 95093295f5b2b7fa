package fleet_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"webex-tokend/daemon/emulator"
	"webex-tokend/daemon/emulator/lab"
	"webex-tokend/daemon/refusal"
	"webex-tokend/store"
)

const restURL = "https://webex.test/v1/access_token"

// closedFor is how long the endpoint of REST grants is closed, by what it
// answers to an order.
func closedFor(t *testing.T, h *host, name string) time.Duration {
	t.Helper()
	before := h.webex.Stats().Requests
	err := h.fleet.Refresher.Refresh(t.Context(), name)
	if err == nil {
		return 0
	}
	if h.webex.Stats().Requests != before {
		t.Errorf("refused only after it was sent: %v", err)
	}
	return refused(t, err, refusal.Unavailable).RetryAfter
}

func TestAnEndpointThatAskedForPatienceHasItAfterARestartToo(t *testing.T) {
	inBubble(t, calm, "", func(t *testing.T, h *host) {
		h.register("rest-1", emulator.REST)
		h.register("rest-2", emulator.REST)
		h.register("meetings-1", emulator.Meetings)
		h.webex.Script(lab.Limit("600"))
		if err := h.fleet.Refresher.Refresh(t.Context(), "rest-1"); err == nil {
			t.Fatal("refreshed by a 429")
		}
		for range 3 {
			h.stop()
			time.Sleep(time.Minute)
			h.start()
		}
		if left := closedFor(t, h, "rest-2"); left != 7*time.Minute {
			t.Errorf("closed for %v", left)
		}
		if err := h.fleet.Refresher.Refresh(t.Context(), "meetings-1"); err != nil {
			t.Errorf("another endpoint: %v", err)
		}
		time.Sleep(7 * time.Minute)
		if left := closedFor(t, h, "rest-2"); left != 0 {
			t.Errorf("after the time closed for %v", left)
		}
	})
}

func TestALaterPatienceTakesThePlaceOfAnEarlierOneOnly(t *testing.T) {
	inBubble(t, calm, "", func(t *testing.T, h *host) {
		h.register("rest-1", emulator.REST)
		for _, seconds := range []string{"60", "1200"} {
			h.webex.Script(lab.Limit(seconds))
			_ = h.fleet.Refresher.Refresh(t.Context(), "rest-1")
			time.Sleep(time.Minute)
		}
		h.stop()
		h.start()
		if left := closedFor(t, h, "rest-1"); left != 19*time.Minute {
			t.Errorf("closed for %v", left)
		}
	})
}

func TestWhatAnEarlierRunNotedIsBelievedWithinBounds(t *testing.T) {
	in := func(d time.Duration) func() []byte {
		return func() []byte { return binary.BigEndian.AppendUint64(nil, uint64(time.Now().Add(d).UnixMilli())) }
	}
	for _, c := range []struct {
		name  string
		noted func() []byte
		left  time.Duration
	}{
		{"an instant within the hour is kept", in(20 * time.Minute), 20 * time.Minute},
		{"one of a clock that was ahead counts for an hour", in(30 * 24 * time.Hour), time.Hour},
		{"one that is almost over counts for a second", in(time.Millisecond), time.Second},
		{"one that has passed is over", in(-time.Minute), 0},
		{"what is no instant is none", func() []byte { return []byte("soon") }, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			inBubble(t, calm, "", func(t *testing.T, h *host) {
				h.register("rest-1", emulator.REST)
				if _, err := h.store.SwapBlob(t.Context(), "closed/"+restURL, store.Absent, c.noted()); err != nil {
					t.Fatal(err)
				}
				h.stop()
				h.start()
				if left := closedFor(t, h, "rest-1"); left != c.left {
					t.Errorf("closed for %v, not %v", left, c.left)
				}
			})
		})
	}
}

// A reload that changed the limits of an endpoint lost the patience that a
// request under way was asked for.
func TestPatienceThatIsAskedForDuringAReloadHoldsAfterIt(t *testing.T) {
	inBubble(t, calm, oneByOne, func(t *testing.T, h *host) {
		for i := range 2 {
			h.take(fmt.Sprint("slow-", i), fmt.Appendf(nil, `{"access_token":"a%d","refresh_token":"r%d","expires_in":3600}`, i, i))
		}
		release := make(chan struct{})
		h.webex.ScriptAt("/token", lab.Func(func(w http.ResponseWriter, r *http.Request) {
			<-release
			lab.Limit("600")(w, r, nil)
		}))
		done := make(chan struct{})
		go func() {
			h.fleet.Refresher.Refresh(context.Background(), "slow-0")
			close(done)
		}()
		synctest.Wait()
		h.configure(strings.Replace(oneByOne, "concurrency        = 1", "concurrency        = 2", 1))
		if err := h.fleet.Reconfigure(t.Context(), h.config); err != nil {
			t.Fatal(err)
		}
		close(release)
		<-done
		requests := h.webex.Stats().Requests
		err := h.fleet.Refresher.Refresh(t.Context(), "slow-1")
		if n := h.webex.Stats().Requests; err == nil || n != requests {
			t.Errorf("%d requests right after a 429: %v", n-requests, err)
		}
	})
}
