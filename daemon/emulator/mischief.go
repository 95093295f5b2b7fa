package emulator

import (
	"net/http"
	"strconv"
	"time"
)

// Mischief says how often a refresh goes wrong without any fault of the client.
// Each field is a probability from 0 to 1; their sum should not exceed 1. Only
// refreshes are affected: a code is redeemed once, and a person is waiting.
type Mischief struct {
	// Limited answers 429. Its Retry-After is honest, absent, zero, past or
	// nonsense, one as often as the other; a third has no body.
	Limited float64
	// Failing answers 500, 502, 503 or 504; a third has no body.
	Failing float64
	// Empty answers 200 without a body. Nothing was issued or used up.
	Empty float64
	// SameToken answers with the access token that is there already and what is
	// left of its life, if that is a quarter or more.
	SameToken float64
	// Patience is the longest pause that an honest Retry-After asks for, in whole
	// seconds; 2 s when zero.
	Patience time.Duration
}

// DefaultMischief returns the moods of an emulator that is not calm: one refresh
// in eight does not bring what was asked for.
func DefaultMischief() Mischief {
	return Mischief{Limited: 0.04, Failing: 0.03, Empty: 0.01, SameToken: 0.05}
}

// misbehave answers a refresh in a bad mood; false: the mood is good.
func (t *tokens) misbehave(w http.ResponseWriter, r *http.Request) bool {
	m := t.issuer.cfg.Mischief
	if *m == (Mischief{}) || r.PostFormValue("grant_type") != "refresh_token" {
		return false
	}
	t.issuer.mu.Lock()
	mood, pick, silent := t.issuer.rng.Float64(), t.issuer.rng.IntN(1<<16), t.issuer.rng.IntN(3) == 0
	t.issuer.mu.Unlock()
	within := func(share float64) bool { mood -= share; return mood < 0 }
	switch {
	case within(m.Limited):
		if after := m.retryAfter(pick, t.issuer.cfg.Now()); after != "" {
			w.Header().Set("Retry-After", after)
		}
		t.fail(w, http.StatusTooManyRequests, silent)
	case within(m.Failing):
		t.fail(w, []int{500, 502, 503, 504}[pick%4], silent)
	case within(m.Empty):
		w.WriteHeader(http.StatusOK)
	case within(m.SameToken):
		t.exchange(w, r, true)
	default:
		return false
	}
	return true
}

// fail writes an error of the gateway itself.
func (t *tokens) fail(w http.ResponseWriter, status int, silent bool) {
	if silent {
		t.issuer.track(w)
		w.WriteHeader(status)
		return
	}
	t.issuer.refuseAPI(w, &refusal{status: status, text: gatewayMessage(status)})
}

// retryAfter is one of the values that clients have to live with. The nonsense
// was sent by Webex in earnest.
func (m Mischief) retryAfter(pick int, now time.Time) string {
	longest := max(1, int(m.Patience/time.Second))
	if m.Patience == 0 {
		longest = 2
	}
	pause := 1 + pick/8%longest
	switch pick % 8 {
	case 0:
		return ""
	case 1:
		return "0"
	case 2:
		return "rand(30),add(30)"
	case 3:
		return now.UTC().Add(time.Duration(pause) * time.Second).Format(http.TimeFormat)
	case 4:
		return now.UTC().Add(-time.Hour).Format(http.TimeFormat)
	}
	return strconv.Itoa(pause)
}
