package fleet_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"webex-tokend/daemon/emulator"
	"webex-tokend/daemon/event"
	"webex-tokend/store"
)

// An inquiry counts what is asked about expiries, and answers some of it itself.
type inquiry struct {
	http.RoundTripper
	asked     int
	status    int    // 0: the emulator answers
	meanwhile func() // nil: nothing happens before the answer
}

func (i *inquiry) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Path != emulator.ExpiryPath {
		return i.RoundTripper.RoundTrip(r)
	}
	i.asked++
	if i.meanwhile != nil {
		i.meanwhile()
	}
	if i.status == 0 {
		return i.RoundTripper.RoundTrip(r)
	}
	return &http.Response{StatusCode: i.status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader("{}")), Request: r}, nil
}

// inquiring runs a test in fake time with a host that declares bot, a static
// token, beside the usual kinds.
func inquiring(t *testing.T, test func(t *testing.T, h *host, asked *inquiry)) {
	synctest.Test(t, func(t *testing.T) {
		asked := new(inquiry)
		h := &host{t: t, dir: ramDir(t), webex: emulator.New(calm), transport: func(next http.RoundTripper) http.RoundTripper {
			asked.RoundTripper = next
			return asked
		}}
		h.configure(`
integration "bots" {
  kind    = "static"
  api_url = "https://webex.test/v1"
}
grant "bot" {
  integration = "bots"
  file {
    path = "/run/webex-tokend/tokens/bot"
  }
}
`)
		h.start()
		defer h.stop()
		test(t, h, asked)
	})
}

func (h *host) askExpiry(name string) {
	h.t.Helper()
	if err := h.fleet.Registry.AskExpiry(h.t.Context(), name); err != nil {
		h.t.Fatal(err)
	}
}

func TestAResponseThatWasKeptBeforeItsImportIsRefreshedInTime(t *testing.T) {
	inquiring(t, func(t *testing.T, h *host, asked *inquiry) {
		end := time.Now().Add(14 * 24 * time.Hour)
		issued := h.webex.Issue(emulator.REST, emulator.Consent{})
		time.Sleep(10 * 24 * time.Hour)
		h.take("rest-1", issued.Response)
		events := h.events.Subscribe(event.Latest)
		defer events.Close()
		h.askExpiry("rest-1")
		g := h.is("rest-1", store.OK, "refresh_overdue") // until the next sweep
		if !g.AccessExpiresAt.Equal(end) || fmt.Sprint(g.Assumed) != "[window_ends_at]" {
			t.Errorf("ends at %v, assumed are %v", g.AccessExpiresAt, g.Assumed)
		}
		list, err := events.Next(t.Context())
		if err != nil || len(list) != 1 || list[0].Kind != event.ExpiryConfirmed {
			t.Errorf("told %v (%v)", list, err)
		}
		h.askExpiry("rest-1")
		if asked.asked != 1 {
			t.Errorf("asked %d times for what is known", asked.asked)
		}
		h.sweep()
		if g := h.grant("rest-1"); g.Generation != 2 {
			t.Errorf("generation %d, though two thirds of the life were over", g.Generation)
		}
	})
}

func TestAStaticTokenWithoutAnEndIsAskedForOne(t *testing.T) {
	inquiring(t, func(t *testing.T, h *host, _ *inquiry) {
		token := h.webex.Issue(emulator.REST, emulator.Consent{}).AccessToken
		h.take("bot", fmt.Appendf(nil, `{"access_token":%q}`, token))
		if g := h.is("bot", store.OK, ""); g.AccessExpiresAt != nil {
			t.Fatalf("ends at %v before anybody said so", g.AccessExpiresAt)
		}
		h.askExpiry("bot")
		h.live(13*24*time.Hour, time.Hour)
		h.is("bot", store.OK, "token_ends")
		h.live(2*24*time.Hour, time.Hour)
		h.is("bot", store.Reauthorize, "token_expired")
	})
}

func TestTheOutputsAreBehindAnEndThatIsTold(t *testing.T) {
	inquiring(t, func(t *testing.T, h *host, _ *inquiry) {
		token := h.webex.Issue(emulator.REST, emulator.Consent{}).AccessToken
		h.take("bot", fmt.Appendf(nil, `{"access_token":%q}`, token))
		if err := h.fleet.Registry.Published(t.Context(), "bot", 1); err != nil {
			t.Fatal(err)
		}
		h.askExpiry("bot")
		if behind, err := h.fleet.Registry.Unpublished(t.Context(), "", 9); err != nil || fmt.Sprint(behind) != "[bot]" {
			t.Errorf("%v are behind, %v", behind, err)
		}
	})
}

func TestTheEndOfATokenIsNotThatOfTheOneThatReplacedIt(t *testing.T) {
	inquiring(t, func(t *testing.T, h *host, asked *inquiry) {
		token := h.webex.Issue(emulator.REST, emulator.Consent{}).AccessToken
		h.take("bot", fmt.Appendf(nil, `{"access_token":%q}`, token))
		asked.meanwhile = func() { h.take("bot", []byte(`{"access_token":"another"}`)) }
		h.askExpiry("bot")
		if g := h.is("bot", store.OK, ""); g.AccessExpiresAt != nil {
			t.Errorf("it ends at %v, as the one before", g.AccessExpiresAt)
		}
	})
}

func TestNobodyIsAskedWhenATokenEndsWithoutNeedOrAddress(t *testing.T) {
	inquiring(t, func(t *testing.T, h *host, asked *inquiry) {
		h.register("meetings-1", emulator.Meetings)
		h.askExpiry("meetings-1")
		h.askExpiry("rest-unregistered")
		h.askExpiry("undeclared")
		h.register("rest-1", emulator.REST)
		if err := h.fleet.Refresher.Refresh(t.Context(), "rest-1"); err != nil {
			t.Fatal(err)
		}
		h.askExpiry("rest-1")
		if asked.asked != 0 {
			t.Errorf("asked %d times", asked.asked)
		}
	})
}

func TestAnExpiryThatIsNotToldChangesNothing(t *testing.T) {
	inquiring(t, func(t *testing.T, h *host, asked *inquiry) {
		h.register("rest-1", emulator.REST)
		before := h.revision("rest-1")
		for status, again := range map[int]bool{200: false, 401: false, 403: false, 404: false, 429: true, 503: true} {
			asked.status = status
			if err := h.fleet.Registry.AskExpiry(t.Context(), "rest-1"); (err != nil) != again {
				t.Errorf("after %d: %v", status, err)
			}
		}
		if asked.asked != 6 || h.revision("rest-1") != before {
			t.Errorf("asked %d times, revision %v after %v", asked.asked, h.revision("rest-1"), before)
		}
	})
}
