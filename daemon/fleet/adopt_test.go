package fleet_test

import (
	"testing"
	"time"

	"webex-tokend/daemon/emulator"
	"webex-tokend/store"
)

// rotating is an integration whose server is taken to replace refresh tokens.
const rotating = `
integration "rotating" {
  kind               = "generic"
  client_id          = "C1"
  client_secret_file = "SECRET"
  token_url          = "https://webex.test/v1/oauth2/token"
}
grant "rotating-*" {
  integration = "rotating"
}
`

func distrusted(t *testing.T, h *host) {
	t.Helper()
	for _, want := range []int{1, 0} { // again, as after a crash on the way
		looked := 0
		marked, err := h.fleet.Registry.Distrust(t.Context(), func(n int) { looked = n })
		if err != nil || marked != want || looked < 1 {
			t.Fatalf("%d of %d marked and %v", marked, looked, err)
		}
	}
}

func TestOfAnOlderCopyNothingIsSentThatMayBeUsedUp(t *testing.T) {
	busy(t, rotating, func(t *testing.T, h *host) {
		h.register("rest-1", emulator.REST)
		h.register("rotating-1", emulator.REST)
		distrusted(t, h)
		h.is("rest-1", store.OK, "")
		g := h.is("rotating-1", store.Unverified, "restored from an older copy")
		if g.Action != "webex-tokend adopt rotating-1" || g.RefreshDueAt != nil {
			t.Errorf("action %q, due at %v", g.Action, g.RefreshDueAt)
		}
		given(t, h, "rotating-1", 0, 1)
		before := h.webex.Stats().Requests
		if err := h.fleet.Refresher.Refresh(t.Context(), "rotating-1"); err == nil {
			t.Error("it was refreshed on order")
		}
		if _, err := h.fleet.Refresher.Token(t.Context(), "rotating-1", 20*day); err == nil {
			t.Error("it was refreshed for a reader")
		}
		if n := h.webex.Stats().Requests - before; n > 0 {
			t.Errorf("%d requests were sent for it", n)
		}
		h.live(30*24*time.Hour, time.Hour)
		if calls := len(h.webex.Calls()); calls == 0 {
			t.Error("the grant that stays was not refreshed: the test proves nothing")
		}
		if g := h.grant("rotating-1"); g.Generation != 1 || g.State != string(store.Unverified) {
			t.Errorf("after a month it is %s, generation %d", g.State, g.Generation)
		}
	})
}

func TestAdoptingOrImportingEndsTheDoubt(t *testing.T) {
	for name, trust := range map[string]func(t *testing.T, h *host){
		"adopted": func(t *testing.T, h *host) {
			for range 2 { // the second time changes nothing
				if err := h.fleet.Registry.Adopt(t.Context(), "rotating-1"); err != nil {
					t.Fatal(err)
				}
			}
			if h.stored("rotating-1").DueAt.IsZero() {
				t.Error("it never falls due")
			}
		},
		"imported": func(t *testing.T, h *host) {
			h.take("rotating-1", h.webex.Issue(emulator.REST, emulator.Consent{}).Response)
			if r := h.stored("rotating-1"); len(r.Fallbacks) > 0 {
				t.Error("the doubtful refresh token is kept to fall back on")
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			busy(t, rotating, func(t *testing.T, h *host) {
				h.register("rotating-1", emulator.REST)
				distrusted(t, h)
				trust(t, h)
				if g := h.is("rotating-1", store.OK, ""); g.RefreshDueAt == nil {
					t.Error("it is not due")
				}
			})
		})
	}
}
