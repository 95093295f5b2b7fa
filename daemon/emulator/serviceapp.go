package emulator

import (
	"encoding/json"
	"net/http"
)

// serveApplication issues the first token of a service app to the bearer of an
// integration's token that may manage applications.
func (a *api) serveApplication(w http.ResponseWriter, r *http.Request) {
	body, refused := a.mintApplication(r)
	if refused != nil {
		a.issuer.refuseAPI(w, refused)
		return
	}
	answerJSON(w, http.StatusOK, body)
}

func (a *api) mintApplication(r *http.Request) ([]byte, *refusal) {
	if _, refused := a.bearer(r, "spark:applications_token"); refused != nil {
		return nil, refused
	}
	var form struct {
		ClientID     string `json:"clientId"`
		ClientSecret string `json:"clientSecret"`
		TargetOrgID  string `json:"targetOrgId"`
	}
	if err := json.NewDecoder(r.Body).Decode(&form); err != nil {
		return nil, &refusal{text: "The body is not the JSON that was expected"}
	}
	client, refused := a.issuer.identify(form.ClientID, form.ClientSecret)
	switch {
	case refused != nil:
		return nil, refused
	case client.Kind != ServiceApp || client.ApplicationID != r.PathValue("id"):
		return nil, &refusal{status: http.StatusNotFound, text: "The application was not found"}
	case form.TargetOrgID != a.issuer.orgs.id(domainOf(machinePerson)):
		return nil, &refusal{status: http.StatusForbidden, text: "The service app is not authorized by a Full Admin of this organization"}
	}
	a.issuer.mu.Lock()
	defer a.issuer.mu.Unlock()
	now := a.issuer.now()
	id, refused := a.issuer.consent(a.issuer.opening(client, Consent{}), now)
	if refused != nil {
		return nil, refused
	}
	return a.issuer.response(id, now, true), nil
}
