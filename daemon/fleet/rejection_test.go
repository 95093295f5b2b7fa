package fleet_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"webex-tokend/daemon/emulator"
	"webex-tokend/store"
)

func TestARefusedClientIsShownAfterARestartUntilItIsAcceptedOrChanged(t *testing.T) {
	restart := func(h *host, meanwhile func()) {
		h.stop()
		meanwhile()
		h.start()
	}
	for _, c := range []struct {
		name string
		do   func(t *testing.T, h *host)
		want store.State
	}{
		{"nothing changed", func(*testing.T, *host) {}, store.Misconfigured},
		{"the secret was changed", func(t *testing.T, h *host) {
			if err := os.WriteFile(filepath.Join(h.dir, "rest.secret"), []byte("another"), 0o600); err != nil {
				t.Fatal(err)
			}
		}, store.OK},
		{"the client was changed", func(_ *testing.T, h *host) { h.config.Integrations["rest"].ClientID = "another" }, store.OK},
	} {
		t.Run(c.name, func(t *testing.T) {
			inBubble(t, calm, "", func(t *testing.T, h *host) {
				h.register("rest-1", emulator.REST)
				h.register("meetings-1", emulator.Meetings)
				h.webex.RejectClient(h.webex.Client(emulator.REST).ID, true)
				h.fleet.Refresher.Refresh(t.Context(), "rest-1")
				before := h.grant("rest-1")
				time.Sleep(time.Hour)
				restart(h, func() { c.do(t, h) })
				is := h.grant("rest-1")
				if is.State != string(c.want) {
					t.Errorf("it is %s", is.State)
				}
				if is.State == before.State && (is.Reason != before.Reason || !is.Since.Equal(*before.Since)) {
					t.Errorf("it is so by %s since %v, and was by %s since %v", is.Reason, is.Since, before.Reason, before.Since)
				}
				h.is("meetings-1", store.OK, "")
			})
		})
	}
	t.Run("it was accepted", func(t *testing.T) {
		inBubble(t, calm, "", func(t *testing.T, h *host) {
			h.register("rest-1", emulator.REST)
			id := h.webex.Client(emulator.REST).ID
			h.webex.RejectClient(id, true)
			h.fleet.Refresher.Refresh(t.Context(), "rest-1")
			restart(h, func() { h.webex.RejectClient(id, false) })
			if err := h.fleet.Refresher.Refresh(t.Context(), "rest-1"); err != nil {
				t.Fatal(err)
			}
			restart(h, func() {})
			h.is("rest-1", store.OK, "")
		})
	})
	t.Run("the next grant that is due tries it", func(t *testing.T) {
		inBubble(t, calm, "", func(t *testing.T, h *host) {
			h.register("meetings-1", emulator.Meetings)
			id := h.webex.Client(emulator.Meetings).ID
			h.webex.RejectClient(id, true)
			h.fleet.Refresher.Refresh(t.Context(), "meetings-1")
			restart(h, func() { h.webex.RejectClient(id, false) })
			h.live(2*time.Hour, time.Second)
			if g := h.is("meetings-1", store.OK, ""); g.Generation < 2 {
				t.Errorf("generation %d", g.Generation)
			}
		})
	})
}
