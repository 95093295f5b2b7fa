package emulator_test

import (
	"net/url"
	"testing"

	"webex-tokend/daemon/emulator"
)

func TestAClientAuthenticatesInTheFormOrByBasic(t *testing.T) {
	e := emulator.New(emulator.Config{Calm: true})
	c := e.Client(emulator.REST)
	token := e.Issue(emulator.REST, emulator.Consent{}).RefreshToken
	want(t, "in the form", refresh(t, e, emulator.REST, token).status, 200)

	r := formRequest(t, base+emulator.TokenPath, url.Values{"grant_type": {"refresh_token"}, "refresh_token": {token}})
	r.SetBasicAuth(c.ID, c.Secret)
	want(t, "by Basic", send(t, inProcess(e), r).status, 200)
}

func TestAWrongClientIsRefusedAndItsGrantLivesOn(t *testing.T) {
	for _, test := range []struct {
		name        string
		spoil       func(e *emulator.Emulator, form url.Values)
		status      int
		description string
	}{
		{"unknown ID", func(_ *emulator.Emulator, form url.Values) { form.Set("client_id", "C0") }, 400, "Client Id is invalid"},
		{"no ID", func(_ *emulator.Emulator, form url.Values) { form.Del("client_id") }, 400, "Client Id is invalid"},
		{"wrong secret", func(_ *emulator.Emulator, form url.Values) { form.Set("client_secret", "x") }, 401, "The provided clientSecret is invalid"},
		{"secret rotated meanwhile", func(e *emulator.Emulator, form url.Values) { e.RotateSecret(form.Get("client_id")) }, 401, "The provided clientSecret is invalid"},
		{"client rejected", func(e *emulator.Emulator, form url.Values) { e.RejectClient(form.Get("client_id"), true) }, 401, "Invalid client credentials"},
	} {
		t.Run(test.name, func(t *testing.T) {
			for _, shape := range []emulator.Shape{emulator.Gateway, emulator.Broker} {
				e := emulator.New(emulator.Config{Calm: true, Errors: shape})
				token := e.Issue(emulator.REST, emulator.Consent{}).RefreshToken
				form := refreshForm(e, emulator.REST, token)
				test.spoil(e, form)
				got := post(t, e, emulator.TokenPath, form)
				want(t, "description", got.description(), test.description)
				if shape == emulator.Broker {
					want(t, "status of the broker", got.status, 400)
					want(t, "error", got.text("error"), "invalid_client")
				} else {
					want(t, "status of the gateway", got.status, test.status)
				}
				want(t, "refresh token works", e.Valid(token), true)
			}
		})
	}
}

func TestAClientIsAcceptedAgainWithItsNewSecret(t *testing.T) {
	e := emulator.New(emulator.Config{Calm: true})
	id := e.Client(emulator.REST).ID
	token := e.Issue(emulator.REST, emulator.Consent{}).RefreshToken
	e.RejectClient(id, true)
	want(t, "rejected", refresh(t, e, emulator.REST, token).status, 401)
	e.RejectClient(id, false)
	secret := e.RotateSecret(id)
	want(t, "secret", e.Client(emulator.REST).Secret, secret)
	want(t, "accepted", refresh(t, e, emulator.REST, token).status, 200)
	want(t, "secret of a stranger", e.RotateSecret("C0"), "")
}

func TestAClientIsBoundToTheEndpointOfItsKind(t *testing.T) {
	e := emulator.New(emulator.Config{Calm: true})
	rest := e.Issue(emulator.REST, emulator.Consent{}).RefreshToken
	meetings := e.Issue(emulator.Meetings, emulator.Consent{}).RefreshToken
	want(t, "REST at Meetings", post(t, e, emulator.MeetingsTokenPath, refreshForm(e, emulator.REST, rest)).status, 400)
	want(t, "Meetings at REST", post(t, e, emulator.TokenPath, refreshForm(e, emulator.Meetings, meetings)).status, 400)
}

func TestOtherGrantTypesAreNotSupported(t *testing.T) {
	e := emulator.New(emulator.Config{Calm: true, Errors: emulator.Broker})
	got := post(t, e, emulator.TokenPath, clientForm(e, emulator.REST, url.Values{"grant_type": {"client_credentials"}}))
	want(t, "error", got.text("error"), "unsupported_grant_type")
}

func TestOneSeedGivesOneSetOfClientsAndTokens(t *testing.T) {
	a, b, c := emulator.New(emulator.Config{Seed: 7}), emulator.New(emulator.Config{Seed: 7}), emulator.New(emulator.Config{Seed: 8})
	want(t, "ID", a.Client(emulator.REST).ID, b.Client(emulator.REST).ID)
	first, second := a.Issue(emulator.REST, emulator.Consent{}), b.Issue(emulator.REST, emulator.Consent{})
	want(t, "refresh token", first.RefreshToken, second.RefreshToken)
	if a.Client(emulator.REST).ID == c.Client(emulator.REST).ID {
		t.Error("two seeds give one client ID")
	}
	if first.RefreshToken == c.Issue(emulator.REST, emulator.Consent{}).RefreshToken {
		t.Error("two seeds give one refresh token")
	}
	want(t, "a token of another seed works", c.Valid(first.RefreshToken), false)
}
