package emulator

import (
	"encoding/json"
	"net/http"
)

// serveApplication issues the first token of a service app to the bearer of an
// integration's token that may manage applications.
func (e *Emulator) serveApplication(w http.ResponseWriter, r *http.Request) {
	body, refused := e.mintApplication(r)
	if refused != nil {
		e.refuseAPI(w, refused)
		return
	}
	answerJSON(w, http.StatusOK, body)
}

func (e *Emulator) mintApplication(r *http.Request) ([]byte, *refusal) {
	if _, refused := e.bearer(r, "spark:applications_token"); refused != nil {
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
	client, refused := e.identify(form.ClientID, form.ClientSecret)
	switch {
	case refused != nil:
		return nil, refused
	case client.Kind != ServiceApp || client.ApplicationID != r.PathValue("id"):
		return nil, &refusal{status: http.StatusNotFound, text: "The application was not found"}
	case form.TargetOrgID != e.OrgID(domainOf(machinePerson)):
		return nil, &refusal{status: http.StatusForbidden, text: "The service app is not authorized by a Full Admin of this organization"}
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	now := e.now()
	id, refused := e.consent(e.opening(client, Consent{}), now)
	if refused != nil {
		return nil, refused
	}
	return e.response(id, now, true), nil
}
