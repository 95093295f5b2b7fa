package fleet_test

import (
	"bytes"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"webex-tokend/daemon/emulator"
)

func TestAnEndpointWhoseClockDiffersIsToldOnceAndOnceWhenItNoLongerDoes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var told bytes.Buffer
		ahead := 0 * time.Second // of the endpoint of Meetings
		h := &host{t: t, dir: ramDir(t), webex: emulator.New(calm), told: &told}
		h.transport = func(webex http.RoundTripper) http.RoundTripper {
			return roundTripper(func(r *http.Request) (*http.Response, error) {
				resp, err := webex.RoundTrip(r)
				if err == nil && strings.Contains(r.URL.Path, "oauth2") {
					resp.Header.Set("Date", time.Now().Add(ahead).UTC().Format(http.TimeFormat))
				}
				return resp, err
			})
		}
		h.configure("")
		h.start()
		defer h.stop()
		h.register("meetings-1", emulator.Meetings)
		h.register("rest-1", emulator.REST)
		for _, step := range []struct {
			name  string
			ahead time.Duration
			line  string // empty: none
		}{
			{"the clocks agree", 0, ""},
			{"a little ahead", 29 * time.Second, ""},
			{"too far ahead", 40 * time.Second, `[WARN]  the clock of the token endpoint and ours differ: token_url=https://webex.test/v1/oauth2/token ahead_by=40s`},
			{"still", 45 * time.Second, ""},
			{"not so far", 20 * time.Second, ""},
			{"far again", 35 * time.Second, ""},
			{"nearly right", 10 * time.Second, `[INFO]  the clock of the token endpoint and ours agree again: token_url=https://webex.test/v1/oauth2/token`},
			{"behind", -90 * time.Second, `[WARN]  the clock of the token endpoint and ours differ: token_url=https://webex.test/v1/oauth2/token ahead_by=-1m30s`},
		} {
			ahead = step.ahead
			told.Reset()
			for _, name := range []string{"meetings-1", "rest-1"} { // the other endpoint's clock is right
				if err := h.fleet.Refresher.Refresh(t.Context(), name); err != nil {
					t.Fatal(err)
				}
			}
			var lines []string
			for line := range strings.Lines(told.String()) {
				if strings.Contains(line, "clock") {
					lines = append(lines, strings.TrimSpace(line))
				}
			}
			if got := strings.Join(lines, "\n"); got != step.line {
				t.Errorf("%s: the log says %q", step.name, got)
			}
			if got := h.status(nil).Keeper.ClockSkewSeconds; got != step.ahead.Seconds() {
				t.Errorf("%s: the skew is %v s", step.name, got)
			}
			time.Sleep(time.Minute)
		}
	})
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
