package emulator_test

import (
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"webex-tokend/daemon/emulator"
)

func startDevice(t *testing.T, e *emulator.Emulator) reply {
	t.Helper()
	got := post(t, e, emulator.DeviceAuthorizePath, url.Values{
		"client_id": {e.Client(emulator.Device).ID}, "scope": {"spark:people_read"},
	})
	want(t, "status", got.status, 200)
	return got
}

func poll(t *testing.T, e *emulator.Emulator, deviceCode string, more ...string) reply {
	t.Helper()
	c := e.Client(emulator.Device)
	form := url.Values{
		"grant_type":  {"urn:ietf:params:oauth:grant-type:device_code"},
		"device_code": {deviceCode}, "client_id": {c.ID},
	}
	for _, field := range more {
		form.Set(field, "true")
	}
	r := formRequest(t, base+emulator.DeviceTokenPath, form)
	r.SetBasicAuth(c.ID, c.Secret)
	return send(t, inProcess(e), r)
}

func TestADevicePollsUntilThePersonHasDecided(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := emulator.New(emulator.Config{Calm: true})
		flow := startDevice(t, e)
		want(t, "expires_in", flow.number("expires_in"), 300)
		want(t, "interval", flow.number("interval"), 2)
		want(t, "length of the user code", len(flow.text("user_code")), 6)

		pending := poll(t, e, flow.text("device_code"))
		want(t, "pending", pending.status, 428)
		want(t, "description", strings.HasPrefix(pending.description(), "authorization_pending"), true)
		time.Sleep(2 * time.Second)
		want(t, "pending after the interval", poll(t, e, flow.text("device_code")).status, 428)
		time.Sleep(time.Second)
		early := poll(t, e, flow.text("device_code"))
		want(t, "too early", early.status, 429)
		want(t, "description", strings.HasPrefix(early.description(), "slow_down"), true)
		time.Sleep(2 * time.Second)
		want(t, "the interval has grown", poll(t, e, flow.text("device_code")).status, 429)

		want(t, "approve", e.ApproveDevice(flow.text("user_code"), "kim.lee@acme.example"), true)
		want(t, "approve again", e.ApproveDevice(flow.text("user_code"), ""), false)
		got := poll(t, e, flow.text("device_code"))
		want(t, "status", got.status, 200)
		want(t, "expires_in", got.number("expires_in"), 64800)
		want(t, "display name", get(t, e, emulator.MePath, got.text("access_token")).text("displayName"), "Kim Lee")
		want(t, "refresh", refresh(t, e, emulator.Device, got.text("refresh_token")).status, 200)
		want(t, "poll after the end", poll(t, e, flow.text("device_code")).status, 400)
	})
}

func TestADeviceMayAskForASelfContainedToken(t *testing.T) {
	e := emulator.New(emulator.Config{Calm: true})
	flow := startDevice(t, e)
	e.ApproveDevice(flow.text("user_code"), "")
	got := poll(t, e, flow.text("device_code"), "self_contained_token")
	want(t, "it is a JWT", strings.HasPrefix(got.text("access_token"), "eyJ"), true)
	want(t, "it works", get(t, e, emulator.MePath, got.text("access_token")).status, 200)
}

func TestTheBrokerShapeNamesDeviceStatesWith400(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := emulator.New(emulator.Config{Calm: true, Errors: emulator.Broker})
		flow := startDevice(t, e)
		for _, code := range []string{"authorization_pending", "slow_down"} {
			got := poll(t, e, flow.text("device_code"))
			want(t, "status", got.status, 400)
			want(t, "error", got.text("error"), code)
		}
		e.DenyDevice(flow.text("user_code"))
		want(t, "error", poll(t, e, flow.text("device_code")).text("error"), "access_denied")

		second := startDevice(t, e)
		time.Sleep(300 * time.Second)
		want(t, "approve too late", e.ApproveDevice(second.text("user_code"), ""), false)
		want(t, "error", poll(t, e, second.text("device_code")).text("error"), "expired_token")
	})
}

func TestADeviceFlowNeedsAClientThatIsPreparedForIt(t *testing.T) {
	e := emulator.New(emulator.Config{Calm: true})
	for name, test := range map[string]struct{ id, scope, description string }{
		"an unknown client": {"C0", "spark:people_read", "Client Id is invalid"},
		"no helper":         {e.Client(emulator.REST).ID, "spark:people_read", "The redirect_uri of the device helper is not registered for this client"},
		"OpenID":            {e.Client(emulator.Device).ID, "openid", "The requested scope is invalid, unknown, or malformed"},
		"a foreign scope":   {e.Client(emulator.Device).ID, "spark:all", "The requested scope is invalid, unknown, or malformed"},
		"no scope":          {e.Client(emulator.Device).ID, "", "The requested scope is invalid, unknown, or malformed"},
	} {
		got := post(t, e, emulator.DeviceAuthorizePath, url.Values{"client_id": {test.id}, "scope": {test.scope}})
		want(t, name+": status", got.status, 400)
		want(t, name+": description", got.description(), test.description)
	}
	flow := startDevice(t, e)
	form := clientForm(e, emulator.Device, url.Values{"device_code": {flow.text("device_code")}})
	want(t, "credentials in the form", post(t, e, emulator.DeviceTokenPath, form).status, 401)
}

func TestAPersonEntersTheCodeOnThePage(t *testing.T) {
	for _, test := range []struct {
		name, decision, page string
		status               int
	}{
		{"and accepts", "accept", "Your device is connected", 200},
		{"and declines", "decline", "Declined", 400},
	} {
		t.Run(test.name, func(t *testing.T) {
			e := emulator.New(emulator.Config{Calm: true})
			flow := startDevice(t, e)
			complete, err := url.Parse(flow.text("verification_uri_complete"))
			if err != nil {
				t.Fatal(err)
			}
			want(t, "entry page", strings.Contains(get(t, e, emulator.VerifyPath, "").body, `name="userCode"`), true)
			want(t, "unknown code", get(t, e, emulator.VerifyPath+"?userCode=x", "").status, 404)
			byLink := get(t, e, complete.RequestURI(), "")
			want(t, "page by the link", strings.Contains(byLink.body, "spark:people_read"), true)

			done := post(t, e, emulator.VerifyPath, url.Values{"userCode": {flow.text("user_code")}, "decision": {test.decision}})
			want(t, "last page", strings.Contains(done.body, test.page), true)
			want(t, "poll", poll(t, e, flow.text("device_code")).status, test.status)
		})
	}
}
