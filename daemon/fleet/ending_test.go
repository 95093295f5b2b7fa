package fleet_test

import (
	"testing"
	"testing/synctest"
	"time"

	"webex-tokend/daemon/emulator"
)

func TestAGrantThatIsWellNamesTheActionBeforeAnEndThatNoRefreshMoves(t *testing.T) {
	for _, test := range []struct {
		name   string
		cfg    emulator.Config
		after  time.Duration
		reason string
	}{
		{"far from the end of a fixed window", emulator.Config{Calm: true, Window: emulator.Fixed}, 75 * 24 * time.Hour, ""},
		{"in the last fortnight of a fixed window", emulator.Config{Calm: true, Window: emulator.Fixed}, 77 * 24 * time.Hour, "window_ends"},
		{"a window that slides has no end", emulator.Config{Calm: true}, 77 * 24 * time.Hour, ""},
		{"a window that is short from the beginning", emulator.Config{Calm: true, Window: emulator.Fixed, RefreshLife: 48 * time.Hour}, 24 * time.Hour, "window_ends"},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newHost(t, test.cfg, "")
				defer h.stop()
				h.register("rest-1", emulator.REST)
				h.live(test.after, time.Hour)
				action := ""
				if test.reason != "" {
					action = "webex-tokend import rest-1"
				}
				if g := h.grant("rest-1"); g.State != "ok" || g.Reason != test.reason || g.Action != action {
					t.Errorf("%s (%s): %s", g.State, g.Reason, g.Action)
				}
			})
		})
	}
}

func TestAStaticTokenNamesTheActionBeforeItsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t, calm, `
			integration "bots" { kind = "static" }
			grant "bot-1" { integration = "bots" }`)
		defer h.stop()
		h.take("bot-1", []byte(`{"access_token":"x","expires_in":2592000}`))
		time.Sleep(15 * 24 * time.Hour)
		if g := h.grant("bot-1"); g.Reason != "" || g.Action != "" {
			t.Errorf("15 days before there is %s: %s", g.Reason, g.Action)
		}
		time.Sleep(2 * 24 * time.Hour)
		if g := h.grant("bot-1"); g.State != "ok" || g.Reason != "token_ends" || g.Action != "webex-tokend import bot-1" {
			t.Errorf("13 days before there is %s (%s): %s", g.State, g.Reason, g.Action)
		}
	})
}
