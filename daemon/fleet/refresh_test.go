package fleet_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"webex-tokend/daemon/emulator"
	"webex-tokend/daemon/emulator/lab"
	"webex-tokend/daemon/refusal"
	"webex-tokend/store"
)

// calm is a Webex that does what it is asked.
var calm = emulator.Config{Calm: true}

// inBubble runs a test in fake time with a host.
func inBubble(t *testing.T, cfg emulator.Config, more string, test func(t *testing.T, h *host)) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t, cfg, more)
		synctest.Wait() // for the walk of the start, which may write records that a test has just read
		test(t, h)
		h.stop()
	})
}

func TestAGrantIsRefreshedAheadOfItsExpiry(t *testing.T) {
	inBubble(t, calm, "", func(t *testing.T, h *host) {
		h.register("meetings-1", emulator.Meetings)
		h.live(2*time.Hour, time.Minute)
		g := h.is("meetings-1", store.OK, "")
		if g.Generation != 2 {
			t.Errorf("generation %d after 2 hours", g.Generation)
		}
		if left := time.Until(*g.AccessExpiresAt); left < 30*time.Minute {
			t.Errorf("%v left of the token", left)
		}
	})
}

func TestAnAnswerIsTakenAtItsOwnNumbersCountedFromTheRequest(t *testing.T) {
	inBubble(t, calm, "", func(t *testing.T, h *host) {
		h.register("rest-1", emulator.REST)
		sent := time.Now().Add(time.Hour)
		time.Sleep(time.Hour)
		h.webex.Script(lab.Reply(200, nil, `{"access_token":"new","expires_in":4321,"refresh_token_expires_in":"98765.4"}`))
		if err := h.fleet.Refresher.Refresh(t.Context(), "rest-1"); err != nil {
			t.Fatal(err)
		}
		r := h.stored("rest-1")
		if got := r.Token.ExpiresAt.Sub(sent); got != 4321*time.Second {
			t.Errorf("the access token lives %v", got)
		}
		if got := r.Refresh.EndsAt.Sub(sent).Round(time.Second); got != 98765*time.Second {
			t.Errorf("the window lasts %v", got)
		}
		if r.AssumedAccess || r.AssumedWindow {
			t.Error("numbers of the answer are marked as assumed")
		}
	})
}

func TestAnAbsentRefreshTokenKeepsTheOldOne(t *testing.T) {
	for _, body := range []string{
		`{"access_token":"new","expires_in":7200}`,
		`{"access_token":"new","expires_in":7200,"refresh_token":""}`,
		`{"access_token":"new","expires_in":7200,"refresh_token":null}`,
	} {
		inBubble(t, calm, "", func(t *testing.T, h *host) {
			issued := h.register("meetings-1", emulator.Meetings)
			h.webex.Script(lab.Reply(200, nil, body))
			if err := h.fleet.Refresher.Refresh(t.Context(), "meetings-1"); err != nil {
				t.Fatal(err)
			}
			if got := h.stored("meetings-1").Refresh.Value.Reveal(); got != issued.RefreshToken {
				t.Errorf("after %s the refresh token is another one", body)
			}
		})
	}
}

func TestARotatedRefreshTokenStandsBeforeTheOldOneUntilItHasWorked(t *testing.T) {
	inBubble(t, emulator.Config{Calm: true, Rotate: true}, "", func(t *testing.T, h *host) {
		first := h.register("rest-1", emulator.REST)
		refresh := func() *store.Record {
			t.Helper()
			if err := h.fleet.Refresher.Refresh(t.Context(), "rest-1"); err != nil {
				t.Fatal(err)
			}
			return h.stored("rest-1")
		}
		r := refresh()
		second := r.Refresh.Value.Reveal()
		if second == first.RefreshToken || len(r.Fallbacks) != 1 || r.Fallbacks[0].Value.Reveal() != first.RefreshToken {
			t.Fatalf("%d fallbacks after the first rotation", len(r.Fallbacks))
		}
		r = refresh()
		if len(r.Fallbacks) != 1 || r.Fallbacks[0].Value.Reveal() != second {
			t.Errorf("%d fallbacks after the second rotation, or the wrong one", len(r.Fallbacks))
		}
		if n := h.webex.Stats().Reuses; n != 0 {
			t.Errorf("%d used refresh tokens were sent again", n)
		}
	})
}

func TestTheSameTokenBackIsNeitherAFailureNorALoop(t *testing.T) {
	inBubble(t, emulator.Config{Calm: true}, "", func(t *testing.T, h *host) {
		issued := h.register("rest-1", emulator.REST)
		due := *h.grant("rest-1").RefreshDueAt
		time.Sleep(time.Until(due))
		left := int(time.Until(*h.grant("rest-1").AccessExpiresAt) / time.Second)
		h.webex.Script(lab.Reply(200, nil, fmt.Sprintf(`{"access_token":%q,"expires_in":%d}`, issued.AccessToken, left)))
		h.sweep()
		g := h.is("rest-1", store.OK, "")
		if g.Generation != 1 {
			t.Errorf("generation %d for the same token", g.Generation)
		}
		if wait := time.Until(*g.RefreshDueAt); wait < 24*time.Hour {
			t.Errorf("next refresh in %v", wait)
		}
		if !g.RefreshDueAt.Before(*g.AccessExpiresAt) {
			t.Error("the next refresh comes after the expiry")
		}
	})
}

func TestARefusedRefreshTokenEndsAGrantOnlyAfterRepeatedEvidence(t *testing.T) {
	inBubble(t, calm, "", func(t *testing.T, h *host) {
		issued := h.register("meetings-1", emulator.Meetings)
		h.webex.Revoke(issued.RefreshToken)
		if err := h.fleet.Refresher.Refresh(t.Context(), "meetings-1"); err == nil {
			t.Fatal("a revoked grant was refreshed")
		}
		g := h.is("meetings-1", store.Retrying, "refresh_token_rejected")
		if g.Action == "" || g.LastError == nil || g.LastError.TrackingID == "" {
			t.Errorf("no action or tracking ID: %+v", g.LastError)
		}
		h.live(9*time.Minute, time.Second)
		h.is("meetings-1", store.Retrying, "refresh_token_rejected")
		h.live(4*time.Minute, time.Second)
		h.is("meetings-1", store.Reauthorize, "refresh_token_rejected")
		if r := h.stored("meetings-1"); r.Refresh.Value.Reveal() != issued.RefreshToken {
			t.Error("the refresh token was deleted")
		}
		before := h.webex.Stats().Requests
		h.live(23*time.Hour, time.Minute)
		if n := h.webex.Stats().Requests - before; n != 0 {
			t.Errorf("%d requests for a dead grant within a day", n)
		}
	})
}

func TestAGrantThatWorksAgainRecovers(t *testing.T) {
	inBubble(t, calm, "", func(t *testing.T, h *host) {
		issued := h.register("meetings-1", emulator.Meetings)
		h.webex.Revoke(issued.RefreshToken)
		h.fleet.Refresher.Refresh(t.Context(), "meetings-1")
		h.live(20*time.Minute, time.Second)
		h.is("meetings-1", store.Reauthorize, "refresh_token_rejected")
		again := h.webex.Issue(emulator.Meetings, emulator.Consent{})
		if got := h.take("meetings-1", again.Response); got.Result != "replaced" {
			t.Errorf("import of a new consent: %s", got.Result)
		}
		h.is("meetings-1", store.OK, "")
		if err := h.fleet.Refresher.Refresh(t.Context(), "meetings-1"); err != nil {
			t.Error(err)
		}
	})
}

func TestARejectedClientStopsItsIntegrationAndBlamesNoGrant(t *testing.T) {
	inBubble(t, calm, "", func(t *testing.T, h *host) {
		h.register("rest-1", emulator.REST)
		h.register("rest-2", emulator.REST)
		h.register("meetings-1", emulator.Meetings)
		id := h.webex.Client(emulator.REST).ID
		h.webex.RejectClient(id, true)
		if err := h.fleet.Refresher.Refresh(t.Context(), "rest-1"); err == nil {
			t.Fatal("refreshed with a rejected client")
		}
		for _, name := range []string{"rest-1", "rest-2"} {
			if g := h.grant(name); g.State != string(store.Misconfigured) || g.Failures != 0 {
				t.Errorf("%s is %s with %d failures", name, g.State, g.Failures)
			}
		}
		h.is("meetings-1", store.OK, "")
		sum, err := h.report.Status(t.Context(), nil)
		if err != nil || sum.States["misconfigured"] != 2 || sum.States["ok"] != 1 {
			t.Errorf("status %v, %v", sum.States, err)
		}

		// All grants fall due; one request in a quarter of an hour tries the client.
		time.Sleep(8 * 24 * time.Hour)
		before := h.webex.Stats().Refused
		h.live(time.Hour, time.Second)
		if n := h.webex.Stats().Refused - before; n < 3 || n > 5 {
			t.Errorf("%d requests with a rejected client in an hour", n)
		}
		h.webex.RejectClient(id, false)
		h.live(20*time.Minute, time.Second)
		h.is("rest-1", store.OK, "")
		h.is("rest-2", store.OK, "")
	})
}

func TestANewSecretInItsFileMendsTheIntegrationAtOnce(t *testing.T) {
	inBubble(t, calm, "", func(t *testing.T, h *host) {
		h.register("meetings-1", emulator.Meetings)
		h.webex.RotateSecret(h.webex.Client(emulator.Meetings).ID)
		h.fleet.Refresher.Refresh(t.Context(), "meetings-1")
		if got := h.grant("meetings-1").State; got != string(store.Misconfigured) {
			t.Fatalf("state %s", got)
		}
		time.Sleep(2 * time.Hour)
		h.configure("") // writes the file anew; the fleet keeps its config
		h.live(2*time.Second, time.Second)
		if g := h.is("meetings-1", store.OK, ""); g.Generation != 2 {
			t.Errorf("generation %d", g.Generation)
		}
	})
}

func TestASecretThatCannotBeReadAtTheStartShowsAtOnceAndStopsNoOtherIntegration(t *testing.T) {
	inBubble(t, calm, "", func(t *testing.T, h *host) {
		h.register("rest-1", emulator.REST)
		h.register("meetings-1", emulator.Meetings)
		h.stop()
		if err := os.Remove(filepath.Join(h.dir, "rest.secret")); err != nil {
			t.Fatal(err)
		}
		h.start()
		h.is("rest-1", store.Misconfigured, "client_secret_unreadable")
		err := h.fleet.Refresher.Refresh(t.Context(), "rest-1")
		if r, ok := errors.AsType[*refusal.Error](err); !ok || r.Kind != refusal.Unavailable || r.RetryAfter != 15*time.Minute {
			t.Errorf("an order is refused by %v, to be tried again then", err)
		}
		if err := h.fleet.Refresher.Refresh(t.Context(), "meetings-1"); err != nil {
			t.Error(err)
		}
		h.configure("") // writes the file anew
		h.live(2*time.Second, time.Second)
		h.is("rest-1", store.OK, "")
	})
}

func TestAReloadLetsARefusedClientLookMendedOnlyWhereItChanged(t *testing.T) {
	inBubble(t, calm, "", func(t *testing.T, h *host) {
		h.register("rest-1", emulator.REST)
		h.webex.RejectClient(h.webex.Client(emulator.REST).ID, true)
		h.fleet.Refresher.Refresh(t.Context(), "rest-1")
		h.reconfigure("")
		if g := h.grant("rest-1"); g.State != string(store.Misconfigured) {
			t.Errorf("after a reload of the same it is %s", g.State)
		}
		h.configure("")
		h.config.Integrations["rest"].ClientID = "another"
		if err := h.fleet.Reconfigure(t.Context(), h.config); err != nil {
			t.Fatal(err)
		}
		h.is("rest-1", store.OK, "")
	})
}

func TestRetryAfterClosesTheEndpointForAllOfItsGrants(t *testing.T) {
	inBubble(t, calm, "", func(t *testing.T, h *host) {
		h.register("rest-1", emulator.REST)
		h.register("rest-2", emulator.REST)
		h.webex.Script(lab.Limit("600"))
		if err := h.fleet.Refresher.Refresh(t.Context(), "rest-1"); err == nil {
			t.Fatal("refreshed by a 429")
		}
		before := h.webex.Stats().Requests
		for range 9 {
			time.Sleep(time.Minute)
			if err := h.fleet.Refresher.Refresh(t.Context(), "rest-2"); err == nil {
				t.Fatal("an order passed what the endpoint asked for")
			}
			h.sweep()
		}
		if n := h.webex.Stats().Requests - before; n != 0 {
			t.Errorf("%d requests before the time", n)
		}
		time.Sleep(time.Minute)
		if err := h.fleet.Refresher.Refresh(t.Context(), "rest-2"); err != nil {
			t.Error(err)
		}
	})
}

func TestASalvagedRefreshTokenIsUsedAndTheOldOneKept(t *testing.T) {
	inBubble(t, emulator.Config{Calm: true, Rotate: true, Grace: time.Hour}, "", func(t *testing.T, h *host) {
		issued := h.register("rest-1", emulator.REST)
		h.webex.Script(lab.Reply(200, nil, `{"refresh_token":"rotated-value-0123456789","access_token":"cut of`))
		if err := h.fleet.Refresher.Refresh(t.Context(), "rest-1"); err == nil {
			t.Fatal("a truncated answer counts as a success")
		}
		r := h.stored("rest-1")
		if r.Refresh.Value.Reveal() != "rotated-value-0123456789" {
			t.Error("the refresh token of the truncated answer is lost")
		}
		if len(r.Fallbacks) != 1 || r.Fallbacks[0].Value.Reveal() != issued.RefreshToken {
			t.Error("the refresh token that was sent is lost")
		}
		if r.Unread == nil || !strings.HasSuffix(r.Unread.Body.Reveal(), "cut of") {
			t.Error("the answer itself was not kept")
		}
		// The salvaged one is not known to the server: the old one gets its turn.
		h.live(10*time.Minute, time.Second)
		h.is("rest-1", store.OK, "")
		if h.stored("rest-1").Unread != nil {
			t.Error("the answer is kept although a refresh succeeded")
		}
	})
}

func TestASingleRefusalOfAFreshImportDeletesNothing(t *testing.T) {
	// The fallback that worked cleared the import behind it, which one odd
	// answer had refused.
	inBubble(t, calm, "", func(t *testing.T, h *host) {
		h.register("rest-1", emulator.REST)
		time.Sleep(time.Hour)
		imported := h.webex.Issue(emulator.REST, emulator.Consent{})
		h.take("rest-1", imported.Response)
		h.webex.Script(lab.Reply(400, nil, `{"error":"invalid_grant"}`))
		if err := h.fleet.Refresher.Refresh(t.Context(), "rest-1"); err == nil {
			t.Fatal("a refusal counts as a success")
		}
		h.live(10*time.Minute, time.Second)
		h.is("rest-1", store.OK, "")
		r := h.stored("rest-1")
		if len(r.Fallbacks) != 1 || r.Fallbacks[0].Value.Reveal() != imported.RefreshToken {
			t.Errorf("the import is gone, %d fallbacks", len(r.Fallbacks))
		}
	})
}
