package fleet_test

import (
	"strings"
	"testing"
	"time"

	"webex-tokend/daemon/emulator"
	"webex-tokend/store"
)

// TestNothingThatServersPlayCostsAGrant lets a server that replaces refresh
// tokens, and ends a grant on reuse, answer in every way that the emulator knows.
// Either the grant goes on, or it says that it does not.
func TestNothingThatServersPlayCostsAGrant(t *testing.T) {
	notOK := map[string]store.State{
		"refresh-true": store.Unknown, "refresh-surrogate": store.Unknown,
		"type-mac": store.Retrying, "type-dpop": store.Retrying, "status-changed": store.Retrying,
		"client-refused": store.Misconfigured, "client-scope": store.Misconfigured,
	}
	for _, play := range emulator.Plays() {
		t.Run(play.Kind, func(t *testing.T) {
			cfg := emulator.Config{Calm: true, Rotate: true, EndOnReuse: true, Play: play.Kind}
			inBubble(t, cfg, "", func(t *testing.T, h *host) {
				h.register("rest-1", emulator.REST)
				rounds := 4
				if notOK[play.Kind] != "" || strings.HasPrefix(play.Kind, "dead-") {
					rounds = 1 // what cannot be read is used up by the next one
				}
				for range rounds {
					_ = h.fleet.Refresher.Refresh(t.Context(), "rest-1")
					time.Sleep(24 * time.Hour)
				}
				g := h.grant("rest-1")
				want := notOK[play.Kind]
				switch {
				case want != "":
				case strings.HasPrefix(play.Kind, "dead-"), strings.HasPrefix(play.Kind, "retry-"), strings.HasPrefix(play.Kind, "limit-"), strings.HasPrefix(play.Kind, "words-"), play.Kind == "client-bare":
					want = store.Retrying
				default:
					want = store.OK
				}
				if g.State != string(want) || g.State != "ok" && (g.Reason == "" || g.Action == "") {
					t.Errorf("%s: it is %s (%s), helped by %q, want %s", play.About, g.State, g.Reason, g.Action, want)
				}
				if want == store.OK && g.Generation != uint64(rounds)+1 {
					t.Errorf("%s: generation %d after %d refreshes", play.About, g.Generation, rounds)
				}
				if want == store.Unknown && (h.stored("rest-1").Unread == nil || g.Action != "webex-tokend unread rest-1") {
					t.Errorf("%s: the answer is not kept, or not shown: %q", play.About, g.Action)
				}
			})
		})
	}
}
