package flow_test

import (
	"net/url"
	"testing"
	"testing/synctest"

	"webex-tokend/daemon/emulator"
	"webex-tokend/daemon/emulator/lab"
	"webex-tokend/daemon/flow"
)

const asking = `
  authorize_url    = "https://webex.test/v1/authorize?fixed=1&prompt=none"
  authorize_params = { prompt = "consent", access_type = "offline", nasty = "a b&c=d" }
`

func TestParametersOfTheConfigurationGoToTheAuthorizationPage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t, emulator.Config{}, asking)
		u, err := url.Parse(h.begin("ops", flow.Options{}).URL)
		if err != nil {
			t.Fatal(err)
		}
		for name, want := range map[string]string{"prompt": "consent", "access_type": "offline", "nasty": "a b&c=d", "fixed": "1", "response_type": "code", "scope": "spark:people_read spark:rooms_read"} {
			if got := u.Query()[name]; len(got) != 1 || got[0] != want {
				t.Errorf("%s is %q, want %q", name, got, want)
			}
		}
	})
}

// Signed in as the wrong person, somebody was sent round in a circle.
func TestTheServerIsAskedToLetThePersonChooseAnAccount(t *testing.T) {
	for params, want := range map[string]string{
		"": "select_account",
		`authorize_params = { prompt = "consent" }`:              "consent select_account",
		`authorize_params = { prompt = "none" }`:                 "select_account",
		`authorize_params = { prompt = "select_account login" }`: "login select_account",
	} {
		synctest.Test(t, func(t *testing.T) {
			h := newHost(t, emulator.Config{}, params)
			u, err := url.Parse(h.begin("ops", flow.Options{SelectAccount: true}).URL)
			if err != nil || u.Query().Get("prompt") != want {
				t.Errorf("%s: prompt is %q, %v; want %q", params, u.Query().Get("prompt"), err, want)
			}
		})
	}
}

func TestAConsentWithoutARefreshTokenNamesTheSettingThatBringsOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t, emulator.Config{}, "")
		h.webex.Script(lab.Alter(func(fields map[string]any) { delete(fields, "refresh_token") }))
		a := h.authorize("ops", flow.Options{}, accept(alex))
		h.failed(a, "no refresh token", `authorize_params = { access_type = "offline", prompt = "consent" }`)
	})
}
