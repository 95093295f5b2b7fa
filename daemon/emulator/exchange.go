package emulator

import (
	"net/http"
	"net/url"
)

// A dialect describes the differences of the three token endpoints.
type dialect struct {
	meetings bool
	shape    Shape
	// terse leaves an unchanged refresh token out of the answer.
	terse bool
}

// dialect of a token endpoint; false: the path is none.
func (c Config) dialect(path string) (dialect, bool) {
	switch path {
	case TokenPath:
		return dialect{shape: c.Errors}, true
	case MeetingsTokenPath:
		return dialect{shape: c.Errors, meetings: true}, true
	case BrokerTokenPath:
		return dialect{shape: Broker, terse: true}, true
	}
	return dialect{}, false
}

// tokens are the endpoints that give out tokens and end them.
type tokens struct {
	issuer *issuer
	codes  *codes
	player *player // nil: nothing is played
}

// serveToken is the token endpoint of every dialect.
func (t *tokens) serveToken(w http.ResponseWriter, r *http.Request) {
	t.player.serve(w, r, func(w http.ResponseWriter, r *http.Request) { t.exchange(w, r, false) })
}

// exchange answers a token request. With again a refresh brings the access token
// that is there already.
func (t *tokens) exchange(w http.ResponseWriter, r *http.Request, again bool) {
	d, _ := t.issuer.cfg.dialect(r.URL.Path)
	body, refused := t.grantToken(r, d, again)
	if refused != nil {
		t.issuer.refuse(w, d.shape, refused)
		return
	}
	answerJSON(w, http.StatusOK, body)
}

func (t *tokens) grantToken(r *http.Request, d dialect, again bool) ([]byte, *refusal) {
	if err := r.ParseForm(); err != nil {
		return nil, &refusal{code: "invalid_request", text: "The form cannot be read"}
	}
	client, refused := t.issuer.authenticate(r)
	if refused != nil {
		return nil, refused
	}
	if d.meetings != (client.Kind == Meetings) {
		return nil, &refusal{code: "unauthorized_client", text: "The client is not registered for this endpoint"}
	}
	// One instant for all of it, so that a life is told whole.
	t.issuer.mu.Lock()
	defer t.issuer.mu.Unlock()
	now, withRefresh := t.issuer.now(), true
	var id GrantID
	switch r.PostForm.Get("grant_type") {
	case "refresh_token":
		withRefresh = !d.terse || t.issuer.cfg.Rotate
		if d.meetings && t.issuer.cfg.StrictMeetings {
			refused = t.checkProof(client, r.PostForm)
		}
		if refused == nil {
			id, refused = t.issuer.refreshGrant(client, r.PostForm.Get("refresh_token"), again, now)
		}
	case "authorization_code":
		id, refused = t.codes.redeem(client, r.PostForm, now)
	default:
		refused = &refusal{code: "unsupported_grant_type", text: "The grant type is not supported"}
	}
	if refused != nil {
		return nil, refused
	}
	return t.issuer.response(id, now, withRefresh), nil
}

// checkProof wants redirect_uri and code_verifier on a Meetings refresh, those
// of the consent where there was one. The lock of the issuer is held.
func (t *tokens) checkProof(client *registration, form url.Values) *refusal {
	redirect, verifier := form.Get("redirect_uri"), form.Get("code_verifier")
	id, _, _ := t.issuer.refreshToken(form.Get("refresh_token"))
	given, consented := t.issuer.proofs[id]
	switch {
	case redirect == "" || verifier == "":
		return &refusal{code: "invalid_request", text: "redirect_uri and code_verifier are required"}
	case consented && redirect != given.redirect, !consented && !client.redirectsTo(redirect):
		return &refusal{code: "invalid_request", text: "redirect_uri does not match"}
	case consented && verifier != given.verifier:
		return &refusal{code: "invalid_request", text: "code_verifier does not match"}
	}
	return nil
}
