package fleet_test

import (
	"cmp"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"webex-tokend/daemon/emulator"
	"webex-tokend/daemon/emulator/lab"
	"webex-tokend/store"
)

// Both were dead, the manager was imported anew, and the app stayed given up with
// its next try a day away.
func TestAManagerThatBecomesWellWakesItsServiceApps(t *testing.T) {
	for name, revive := range map[string]func(t *testing.T, h *host){
		"by an import": func(_ *testing.T, h *host) { h.chief() },
		"by a refresh that works again": func(t *testing.T, h *host) {
			h.webex.Down(false)
			if err := h.fleet.Refresher.Refresh(t.Context(), "rest-chief"); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newDesk(t)
				chief := h.chief()
				h.live(time.Minute, time.Second)
				h.is("desk", store.OK, "")
				if !h.webex.Revoke(h.stored("desk").Refresh.Value.Reveal()) {
					t.Fatal("there was nothing to revoke")
				}
				if name == "by an import" {
					h.webex.Revoke(chief.RefreshToken)
				}
				for range 8 { // given up
					h.webex.ScriptAt("/v1/applications/"+h.webex.Client(emulator.ServiceApp).ApplicationID+"/token", lab.Reply(503, nil, ""))
					_ = h.fleet.Refresher.Refresh(t.Context(), "desk")
					time.Sleep(10 * time.Minute)
				}
				if g := h.grant("desk"); g.State == "ok" {
					t.Fatalf("it is well before: %+v", g)
				}
				for h.webex.Scripted() > 0 {
					_ = h.fleet.Refresher.Mint(t.Context(), h.config.Integrations["desk"], "desk")
				}
				revive(t, h)
				h.live(time.Minute, time.Second)
				if g := h.is("desk", store.OK, ""); g.LastError != nil {
					t.Errorf("it keeps an old error: %+v", g.LastError)
				}
			})
		})
	}
}

func TestARefusalOfTheManagersTokenIsNewsOfTheManager(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newDesk(t)
		h.chief()
		path := "/v1/applications/" + h.webex.Client(emulator.ServiceApp).ApplicationID + "/token"
		h.webex.ScriptAt(path, lab.Reply(401, nil, `{"message":"The request requires a valid access token set in the Authorization request header."}`))
		h.live(time.Minute, time.Second)
		h.is("desk", store.OK, "")
		if n := h.stored("rest-chief").Generation; n != 2 {
			t.Errorf("the manager has generation %d: it was not refreshed", n)
		}
	})
}

func TestWhyAServiceAppIsNotMintedIsSaidInTheServersWords(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newDesk(t)
		h.chief()
		path := "/v1/applications/" + h.webex.Client(emulator.ServiceApp).ApplicationID + "/token"
		refuse := lab.Reply(403, nil, `{"message":"not authorized by Full Admin","trackingId":"T"}`)
		for range 30 {
			h.webex.ScriptAt(path, refuse)
		}
		h.live(10*time.Minute, time.Second)
		g := h.grant("desk")
		if g.State != "pending" || !strings.Contains(g.Reason, "not authorized by Full Admin") || g.Level != "warning" {
			t.Errorf("before its first token it is %s, %s: %q", g.State, g.Level, g.Reason)
		}
		h.live(30*time.Minute, time.Second)
		h.is("desk", store.OK, "")
		h.webex.Revoke(h.stored("desk").Refresh.Value.Reveal())
		h.webex.ScriptAt(path, refuse)
		_ = h.fleet.Refresher.Refresh(t.Context(), "desk")
		if g := h.grant("desk"); g.LastError == nil || !strings.Contains(g.LastError.Description, "not authorized by Full Admin") {
			t.Errorf("later it is %s, with %+v", g.State, g.LastError)
		}
	})
}

func TestAServiceAppThatHealsItselfKeepsNoErrorAndRaisesNone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newDesk(t)
		h.chief()
		h.live(time.Minute, time.Second)
		h.webex.Revoke(h.stored("desk").Refresh.Value.Reveal())
		if err := h.fleet.Refresher.Refresh(t.Context(), "desk"); err != nil {
			t.Fatal(err)
		}
		g := h.is("desk", store.OK, "")
		if g.LastError != nil || g.Failures != 0 || len(h.stored("desk").Fallbacks) != 0 {
			t.Errorf("healed, it is %+v", g)
		}
		if _, err := h.store.Intent(t.Context(), "desk"); err == nil {
			t.Error("its intent is open")
		}
	})
}

// Apps that a pattern declares were not woken, nor any by a manager that was resumed.
func TestAppsOfAPatternWakeWithAManagerThatIsResumed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newDeskOf(t, "apps-*")
		h.chief()
		h.live(time.Second, time.Second) // which wakes nobody yet
		app := h.config.Integrations["desk"]
		if err := h.fleet.Refresher.Mint(t.Context(), app, "apps-1"); err != nil {
			t.Fatal(err)
		}
		h.webex.Revoke(h.stored("apps-1").Refresh.Value.Reveal())
		path := "/v1/applications/" + h.webex.Client(emulator.ServiceApp).ApplicationID + "/token"
		for range 8 { // given up
			h.webex.ScriptAt(path, lab.Reply(503, nil, ""))
			_ = h.fleet.Refresher.Refresh(t.Context(), "apps-1")
			time.Sleep(10 * time.Minute)
		}
		for h.webex.Scripted() > 0 {
			_ = h.fleet.Refresher.Mint(t.Context(), app, "apps-1")
		}
		if err := h.fleet.Registry.Pause(t.Context(), "rest-chief"); err != nil {
			t.Fatal(err)
		}
		h.live(time.Minute, time.Second)
		if g := h.grant("apps-1"); g.State == "ok" {
			t.Fatalf("it is well before: %+v", g)
		}
		if err := h.fleet.Registry.Resume(t.Context(), "rest-chief"); err != nil {
			t.Fatal(err)
		}
		h.live(time.Minute, time.Second)
		h.is("apps-1", store.OK, "")
	})
}

func TestWhyNothingIsMintedStandsBesideWhatHelps(t *testing.T) {
	for _, c := range []struct {
		name, setting, scope, reply string
		words, helps                string
	}{
		{name: "another application", setting: "application_id", words: "The application was not found", helps: "see application_id"},
		{name: "another organisation", setting: "target_org_id", words: "not authorized by a Full Admin", helps: "see target_org_id"},
		{name: "another client", setting: "client_id", words: "mint by manager rest-chief", helps: "see client_id"},
		{name: "a manager without the scope", scope: "spark:rooms_read", words: "spark:applications_token", helps: "the manager has the scope"},
		{name: "approval withdrawn", reply: `{"message":"The approval of this service app was withdrawn","trackingId":"T"}`, words: "approval of this service app was withdrawn", helps: "Control Hub"},
		{name: "words in a list of errors", reply: `{"errors":[{"description":"Only for another organization"}]}`, words: "Only for another organization", helps: "target_org_id"},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newDeskOf(t, "desk", fmt.Sprintf("%-18s = \"", cmp.Or(c.setting, "none")), fmt.Sprintf("%-18s = \"x", c.setting))
				for range 20 {
					if c.reply != "" {
						h.webex.ScriptAt("/v1/applications/"+h.webex.Client(emulator.ServiceApp).ApplicationID+"/token", lab.Reply(403, nil, c.reply))
					}
				}
				h.take("rest-chief", h.webex.Issue(emulator.REST, emulator.Consent{Email: "chief@acme.example",
					Scopes: []string{cmp.Or(c.scope, "spark:applications_token")}}).Response)
				h.live(10*time.Minute, time.Second)
				g := h.grant("desk")
				if g.State != "pending" || g.Level != "warning" || !strings.Contains(g.Reason, c.words) || !strings.Contains(g.Reason, c.helps) {
					t.Errorf("%s, %s: %q", g.State, g.Level, g.Reason)
				}
			})
		})
	}
}
