package fleet_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"webex-tokend/daemon/configfile"
	"webex-tokend/daemon/emulator"
	"webex-tokend/daemon/emulator/lab"
	"webex-tokend/store"
)

// newDesk is a host with a service app "desk" under the manager "rest-chief".
func newDesk(t *testing.T) *host { return newDeskOf(t, "desk") }

// newDeskOf is newDesk with another name or pattern of the app's grant, and with
// texts of the configuration replaced.
func newDeskOf(t *testing.T, grant string, replaced ...string) *host {
	h := &host{t: t, dir: ramDir(t), webex: emulator.New(emulator.Config{Calm: true})}
	app := h.webex.Client(emulator.ServiceApp)
	file := filepath.Join(h.dir, "app.secret")
	if err := os.WriteFile(file, []byte(app.Secret), 0o600); err != nil {
		t.Fatal(err)
	}
	h.configure(strings.NewReplacer(replaced...).Replace(fmt.Sprintf(`
integration "desk" {
  kind               = "service-app"
  client_id          = %q
  client_secret_file = %q
  token_url          = "https://webex.test/v1/access_token"
  application_id     = %q
  target_org_id      = %q
  manager            = "rest-chief"
}
grant %q { integration = "desk" }
`, app.ID, file, app.ApplicationID, h.webex.OrgID("acme.example"), grant)))
	h.start()
	t.Cleanup(h.stop)
	return h
}

// chief registers the manager.
func (h *host) chief() emulator.Issued {
	h.t.Helper()
	issued := h.webex.Issue(emulator.REST, emulator.Consent{Email: "chief@acme.example", Scopes: []string{"spark:applications_token"}})
	h.take("rest-chief", issued.Response)
	return issued
}

func TestAServiceAppIsMintedByItsManager(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newDesk(t)
		h.live(time.Minute, time.Second)
		if g := h.grant("desk"); g.State != "pending" || g.Reason == "nothing registered" || g.Action != "webex-tokend status rest-chief" {
			t.Errorf("without a manager: %+v", g)
		}
		h.chief()
		h.live(2*time.Minute, time.Second)
		g := h.is("desk", store.OK, "")
		if g.Manager != "rest-chief" || g.Generation != 1 || g.RefreshDueAt == nil {
			t.Errorf("minted %+v", g)
		}
		if m := h.grant("rest-chief"); !slices.Equal(m.Manages, []string{"desk"}) {
			t.Errorf("the manager manages %q", m.Manages)
		}
		// From now on it is refreshed by itself.
		h.live(20*24*time.Hour, time.Hour)
		if g := h.is("desk", store.OK, ""); g.Generation < 2 {
			t.Errorf("after twenty days %+v", g)
		}
	})
}

func TestAServiceAppHealsWhenItsRefreshTokenIsDead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newDesk(t)
		chief := h.chief()
		h.live(time.Minute, time.Second)
		kill := func() {
			t.Helper()
			if !h.webex.Revoke(h.stored("desk").Refresh.Value.Reveal()) {
				t.Fatal("there was nothing to revoke")
			}
		}
		kill()
		if err := h.fleet.Refresher.Refresh(t.Context(), "desk"); err != nil {
			t.Fatalf("with a manager: %v", err)
		}
		if g := h.is("desk", store.OK, ""); g.Generation != 2 {
			t.Errorf("healed %+v", g)
		}
		if n := len(h.stored("desk").Fallbacks); n != 0 {
			t.Errorf("%d dead refresh tokens are kept", n)
		}
		// With the manager dead as well, the chain shows where it is broken.
		kill()
		h.webex.Revoke(chief.RefreshToken)
		if err := h.fleet.Refresher.Refresh(t.Context(), "desk"); err == nil {
			t.Error("without a manager it was refreshed")
		}
		if g := h.grant("desk"); g.State != "retrying" || g.Action != "webex-tokend status rest-chief" {
			t.Errorf("without a manager %+v", g)
		}
	})
}

func TestAServiceAppThatWasRemovedStaysRemoved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newDesk(t)
		h.chief()
		h.live(time.Minute, time.Second)
		h.is("desk", store.OK, "")
		if err := h.fleet.Registry.Remove(t.Context(), "desk"); err != nil {
			t.Fatal(err)
		}
		h.live(10*time.Minute, time.Second)
		if g := h.grant("desk"); g.State != "pending" {
			t.Errorf("it came back: %+v", g)
		}
	})
}

func TestAManagerMustBeAbleToAskAHuman(t *testing.T) {
	for name, text := range map[string]string{
		"a grant that is not declared": `manager = "nobody"`,
		"a service app":                `manager = "desk"`,
	} {
		_, err := configfile.Parse([]byte(`
integration "desk" {
  kind                     = "service-app"
  client_id                = "C1"
  client_secret_credential = "desk"
  application_id           = "A1"
  target_org_id            = "O1"
  `+text+`
}
grant "desk" { integration = "desk" }
`), "test.hcl")
		if err == nil {
			t.Errorf("%s is taken for a manager", name)
		}
	}
}

// A service app that was removed while its refresh was refused was minted anew.
func TestAServiceAppThatIsRemovedDuringARefreshStaysRemoved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newDesk(t)
		defer h.stop()
		h.chief()
		h.live(time.Minute, time.Second)
		h.is("desk", store.OK, "")
		h.webex.Revoke(h.stored("desk").Refresh.Value.Reveal())
		arrived, release := make(chan struct{}, 1), make(chan struct{})
		h.webex.Script(lab.Hold(arrived, release))
		done := make(chan struct{})
		go func() {
			h.fleet.Refresher.Refresh(context.Background(), "desk")
			close(done)
		}()
		<-arrived
		if err := h.fleet.Registry.Remove(t.Context(), "desk"); err != nil {
			t.Fatal(err)
		}
		close(release)
		<-done
		if g := h.grant("desk"); g.State != string(store.Pending) {
			t.Errorf("it came back: %s, generation %d", g.State, g.Generation)
		}
	})
}
