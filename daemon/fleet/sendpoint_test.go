package fleet_test

import (
	"errors"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"webex-tokend/daemon/emulator"
	"webex-tokend/store"
)

// A stall holds one request back between its connection and its body.
type stall struct {
	http.RoundTripper
	pause atomic.Int64
}

func (s *stall) around(inner http.RoundTripper) http.RoundTripper {
	s.RoundTripper = inner
	return s
}

func (s *stall) RoundTrip(req *http.Request) (*http.Response, error) {
	time.Sleep(time.Duration(s.pause.Swap(0)))
	return s.RoundTripper.RoundTrip(req)
}

// A machine that stands still between the intent and the request, a SIGSTOP or a
// suspend, would send a refresh token that somebody else may have used since.
func TestNoRequestDepartsOnAnOldIntent(t *testing.T) {
	for _, c := range []struct {
		pause time.Duration
		sent  int
	}{{9 * time.Second, 1}, {11 * time.Second, 0}} {
		synctest.Test(t, func(t *testing.T) {
			s := new(stall)
			h := &host{t: t, dir: ramDir(t), webex: emulator.New(calm), transport: s.around}
			h.configure("")
			h.start()
			defer func() { h.stop() }()
			h.settle()
			h.register("rest-1", emulator.REST)
			s.pause.Store(int64(c.pause))
			err := h.fleet.Refresher.Refresh(t.Context(), "rest-1")
			if n := h.webex.Stats().Requests; int(n) != c.sent || (err == nil) != (c.sent == 1) {
				t.Errorf("after %v: %d requests, %v", c.pause, n, err)
			}
			if c.sent == 0 && !strings.Contains(err.Error(), "stood still") {
				t.Errorf("it says %v", err)
			}
			if _, err := h.store.Intent(t.Context(), "rest-1"); !errors.Is(err, store.ErrNotFound) {
				t.Errorf("after %v an intent is open: %v", c.pause, err)
			}
			if h.is("rest-1", store.OK, "").Failures != 0 {
				t.Error("it counts as a failure of the grant")
			}
			if err := h.fleet.Refresher.Refresh(t.Context(), "rest-1"); err != nil {
				t.Errorf("the next one: %v", err)
			}
		})
	}
}

// Where requests take longer than an intent may live, those in the queue renew
// theirs, and none is given up for its age.
func TestAnIntentThatWaitsInTheQueueIsRenewed(t *testing.T) {
	behind(t, 25*time.Second, alike("narrow", "concurrency = 1"), func(t *testing.T, h *host, s *turnstile) {
		names := []string{"narrow-1", "narrow-2", "narrow-3"}
		for _, name := range names {
			h.register(name, emulator.REST)
		}
		failed := make(chan error, len(names))
		for _, name := range names {
			go func() { failed <- h.fleet.Refresher.Refresh(t.Context(), name) }()
		}
		for range names {
			if err := <-failed; err != nil {
				t.Error(err)
			}
		}
		if n := h.webex.Stats().Requests; int(n) != len(names) {
			t.Errorf("%d requests", n)
		}
	})
}
