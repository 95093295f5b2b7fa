package fleet_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"webex-tokend/daemon/emulator"
	"webex-tokend/daemon/emulator/lab"
	"webex-tokend/store"
)

// refuses answers every refresh of a grant's first refresh token with a code.
func refuses(h *host, token, code string) {
	for range 3000 {
		h.webex.Script(func(w http.ResponseWriter, r *http.Request, behave http.Handler) {
			if r.PostFormValue("refresh_token") != token {
				behave.ServeHTTP(w, r)
				return
			}
			lab.Reply(400, nil, fmt.Sprintf(`{"error":%q}`, code))(w, r, behave)
		})
	}
}

// A token of another client stopped all grants of the integration.
func TestARefusalThatOneGrantMeetsStopsNoOther(t *testing.T) {
	for _, code := range []string{"invalid_client", "unauthorized_client", "invalid_scope", "unsupported_grant_type"} {
		t.Run(code, func(t *testing.T) {
			inBubble(t, calm, "", func(t *testing.T, h *host) {
				h.register("rest-1", emulator.REST)
				time.Sleep(time.Hour)
				h.register("rest-2", emulator.REST)
				refuses(h, h.stored("rest-1").Refresh.Value.Reveal(), code)
				_ = h.fleet.Refresher.Refresh(t.Context(), "rest-1")
				h.is("rest-2", store.OK, "")
				if g := h.is("rest-1", store.Retrying, code); g.LastError == nil || g.LastError.Code != code {
					t.Errorf("the refusal is not shown: %+v", g.LastError)
				}
				h.live(16*24*time.Hour, time.Minute)
				if g := h.is("rest-2", store.OK, ""); g.AccessExpiresAt.Before(time.Now()) {
					t.Errorf("the token of the sound grant expired at %v", g.AccessExpiresAt)
				}
				if n := h.stored("rest-2").Generation; n > 6 {
					t.Errorf("the sound grant was refreshed %d times in 16 days", n)
				}
			})
		})
	}
}

func TestAClientThatIsRefusedForTheNextGrantTooIsRefused(t *testing.T) {
	inBubble(t, calm, "", func(t *testing.T, h *host) {
		h.register("rest-1", emulator.REST)
		h.register("rest-2", emulator.REST)
		h.webex.RejectClient(h.webex.Client(emulator.REST).ID, true)
		_ = h.fleet.Refresher.Refresh(t.Context(), "rest-1")
		h.is("rest-1", store.Misconfigured, "unauthorized")
		h.is("rest-2", store.Misconfigured, "unauthorized")
		if n := h.webex.Stats().Requests; n != 2 {
			t.Errorf("%d requests", n)
		}
	})
}
