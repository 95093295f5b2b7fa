package fleet_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"webex-tokend/daemon/emulator"
	"webex-tokend/daemon/emulator/lab"
	"webex-tokend/store"
)

func TestAnEndpointThatIsAwayIsTriedTwiceAMinuteOnAverage(t *testing.T) {
	const grants = 200
	inBubble(t, calm, "", func(t *testing.T, h *host) {
		for i := range grants {
			h.register(fmt.Sprintf("meetings-%d", i), emulator.Meetings)
		}
		h.webex.Down(true)
		h.live(90*time.Minute, time.Second)
		tried := h.webex.Stats().Unreachable
		h.live(30*time.Minute, time.Second)
		// Pauses are of 1 s to 61 s at random: 58 in half an hour, with a standard
		// deviation of 4.3, of which five are allowed.
		if n := h.webex.Stats().Unreachable - tried; n < 36 || n > 80 {
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
		h.webex.Script(lab.Reply(429, nil, ""), lab.Reply(502, nil, ""))
		h.live(10*time.Minute, time.Second)
		h.is("meetings-1", store.OK, "")
	})
}

// failsOn is an endpoint that answers what it is told to of certain refresh
// tokens, and as ever of all others.
type failsOn struct {
	http.RoundTripper
	tokens map[string]bool
	status int
	body   string
}

func (f *failsOn) RoundTrip(req *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return nil, err
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, err
	}
	if f.tokens[form.Get("refresh_token")] {
		return &http.Response{StatusCode: f.status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(f.body)), Request: req}, nil
	}
	req.Body = io.NopCloser(bytes.NewReader(body))
	return f.RoundTripper.RoundTrip(req)
}

// withFailing lets a test begin with grants on which the endpoint fails.
func withFailing(t *testing.T, grants, status int, body string, test func(h *host)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		f := &failsOn{tokens: make(map[string]bool), status: status, body: body}
		h := &host{t: t, dir: ramDir(t), webex: emulator.New(calm), quiet: true,
			transport: func(inner http.RoundTripper) http.RoundTripper { f.RoundTripper = inner; return f }}
		h.configure("")
		h.start()
		defer h.stop()
		for i := range grants {
			f.tokens[h.register(fmt.Sprintf("meetings-bad-%d", i), emulator.Meetings).RefreshToken] = true
		}
		test(h)
	})
}

// A grant for which its client was refused stayed the nearest to its end, was
// the one that tried each time, and no other of the integration was refreshed.
func TestAGrantForWhichTheClientIsRefusedStarvesNoOther(t *testing.T) {
	for code, status := range map[string]int{"unauthorized_client": 400, "invalid_scope": 400, "invalid_client": 401} {
		t.Run(code, func(t *testing.T) {
			withFailing(t, 3, status, fmt.Sprintf(`{"error":%q}`, code), func(h *host) {
				h.live(10*time.Minute, time.Second)
				for i := range 5 {
					h.register(fmt.Sprint("meetings-", i), emulator.Meetings)
				}
				for range 12 * 60 {
					h.live(time.Minute, 5*time.Second)
					for i := range 5 {
						if g := h.grant(fmt.Sprint("meetings-", i)); time.Until(*g.AccessExpiresAt) <= 0 {
							h.t.Fatalf("the token of %s, generation %d, has expired: %s (%s)", g.Name, g.Generation, g.State, g.Reason)
						}
					}
				}
			})
		})
	}
}

// Ten grants that were answered 500 broke their endpoint, were due again sooner
// than it was tried, and no other grant had a turn.
func TestGrantsOnWhichTheEndpointFailsStarveNoOther(t *testing.T) {
	for _, bad := range []int{1, 10} {
		t.Run(fmt.Sprint(bad), func(t *testing.T) {
			withFailing(t, bad, 500, "{}", func(h *host) {
				h.live(3*time.Hour, time.Second)
				h.register("meetings-good", emulator.Meetings)
				for range 12 * 60 {
					h.live(time.Minute, 5*time.Second)
					if g := h.grant("meetings-good"); time.Until(*g.AccessExpiresAt) <= 0 {
						h.t.Fatalf("the token has expired: %s (%s)", g.State, g.Reason)
					}
				}
			})
		})
	}
}
