package emulator

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
)

// A Shape selects the syntax of refusals of the token endpoints.
type Shape int

const (
	// Gateway is the shape of webexapis.com:
	//
	//	{"message": "...", "errors": [{"description": "..."}], "trackingId": "ROUTER_..."}
	//
	// The message is the same for a whole status; the description says why.
	Gateway Shape = iota
	// Broker is the shape of RFC 6749 that the identity broker behind the
	// gateway uses, with a tracking ID of another spelling:
	//
	//	{"error": "...", "error_description": "...", "trackingID": "..."}
	Broker
)

// A refusal is an error before it has a shape.
type refusal struct {
	status int    // of the gateway, 400 when zero
	code   string // of RFC 6749, or Webex's own
	text   string
}

type gatewayBody struct {
	Message  string          `json:"message"`
	Errors   []gatewayDetail `json:"errors"`
	Tracking string          `json:"trackingId"`
}

type gatewayDetail struct {
	Description string `json:"description"`
}

type brokerBody struct {
	Error       string `json:"error"`
	Description string `json:"error_description"`
	Tracking    string `json:"trackingID"`
}

// refuse writes a refusal of a token endpoint in the given shape. The broker
// answers 400 to whatever is wrong with a client or its request.
func (i *issuer) refuse(w http.ResponseWriter, shape Shape, r *refusal) {
	if shape == Gateway {
		i.refuseAPI(w, r)
		return
	}
	status := cmp.Or(r.status, http.StatusBadRequest)
	if r.code == "invalid_client" || status == http.StatusPreconditionRequired || status == http.StatusTooManyRequests {
		status = http.StatusBadRequest
	}
	tracking := i.track(w)
	answer(w, status, brokerBody{Error: r.code, Description: r.text, Tracking: tracking})
}

// refuseAPI writes a refusal in the shape of the gateway, the only one that the
// REST API knows.
func (i *issuer) refuseAPI(w http.ResponseWriter, r *refusal) {
	status := cmp.Or(r.status, http.StatusBadRequest)
	tracking := i.track(w)
	answer(w, status, gatewayBody{
		Message:  gatewayMessage(status),
		Errors:   []gatewayDetail{{Description: r.text}},
		Tracking: tracking,
	})
}

// gatewayMessage is the sentence that the gateway has for a status. Those for
// 400 and 401 were captured, the others follow the list of statuses in the
// documentation of the API.
func gatewayMessage(status int) string {
	switch status {
	case http.StatusBadRequest:
		return "The request could not be understood by the server due to malformed syntax."
	case http.StatusUnauthorized:
		return "The request requires a valid access token set in the Authorization request header."
	case http.StatusForbidden:
		return "The request was understood but refused, or access is not allowed."
	}
	return http.StatusText(status)
}

// track sets the header by which Webex's support finds a request.
func (i *issuer) track(w http.ResponseWriter) string {
	i.mu.Lock()
	high, low := i.rng.Uint64(), i.rng.Uint64()
	i.mu.Unlock()
	id := fmt.Sprintf("ROUTER_%08X-%04X-01BB-%04X-%012X", high>>32, high&0xffff, low>>48, low&(1<<48-1))
	w.Header().Set("Trackingid", id)
	return id
}

// answer writes a JSON document.
func answer(w http.ResponseWriter, status int, document any) {
	body, err := json.Marshal(document)
	if err != nil {
		panic(err) // all documents are plain structs and maps
	}
	answerJSON(w, status, body)
}

func answerJSON(w http.ResponseWriter, status int, body []byte) {
	w.Header().Set("Content-Type", "application/json;charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write(body) // a client that went away is no news
}
