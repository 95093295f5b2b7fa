package emulator

import (
	"net/url"
	"slices"
	"strings"
)

// An application is an authorization request, checked.
type application struct {
	client    *registration
	redirect  string
	state     string
	scopes    []string
	challenge string
	method    string
	hint      string // login_hint
}

// redirectsTo reports whether the URI is registered, to the letter.
func (c *registration) redirectsTo(uri string) bool { return slices.Contains(c.RedirectURIs, uri) }

// apply checks an authorization request. A refusal comes without an application
// when the redirect URI cannot be trusted: it is for the human's eyes alone.
// Any other goes to the client by redirect.
func (p *consents) apply(q url.Values, meetings bool) (*application, *refusal) {
	client := p.issuer.client(q.Get("client_id"))
	if client == nil || meetings != (client.Kind == Meetings) {
		return nil, &refusal{code: "invalid_client", text: "Client Id is invalid"}
	}
	redirect := q.Get("redirect_uri")
	if redirect == "" && len(client.RedirectURIs) == 1 {
		redirect = client.RedirectURIs[0]
	}
	if !client.redirectsTo(redirect) {
		return nil, &refusal{code: "invalid_request", text: "The redirect_uri is not registered for this client"}
	}
	a := &application{
		client:    client,
		redirect:  redirect,
		state:     q.Get("state"),
		scopes:    strings.Fields(q.Get("scope")),
		challenge: q.Get("code_challenge"),
		method:    q.Get("code_challenge_method"),
		hint:      q.Get("login_hint"),
	}
	return a, a.check(q, meetings)
}

func (a *application) check(q url.Values, meetings bool) *refusal {
	if a.challenge != "" && a.method == "" {
		a.method = "plain" // RFC 7636, section 4.3
	}
	unknown := func(scope string) bool { return !slices.Contains(a.client.Scopes, scope) }
	switch {
	case q.Get("response_type") != "code":
		return &refusal{code: "unsupported_response_type", text: "Only the response type code is supported"}
	case len(a.scopes) == 0 || slices.ContainsFunc(a.scopes, unknown):
		return &refusal{code: "invalid_scope", text: "The requested scope is invalid, unknown, or malformed"}
	case q.Get("prompt") == "none":
		return &refusal{code: "login_required", text: "The person has to sign in"}
	case !slices.Contains([]string{"", "plain", "S256"}, a.method):
		return &refusal{code: "invalid_request", text: "The code_challenge_method is not supported"}
	case a.method != "" && !challengeFits(a.challenge, a.method, meetings):
		return &refusal{code: "invalid_request", text: "The code_challenge has the wrong length"}
	}
	return nil
}

// challengeFits: a hash has 43 characters, a plain challenge is the verifier of
// RFC 7636 with 43 to 128, and the Meetings document allows 10 at most.
func challengeFits(challenge, method string, meetings bool) bool {
	switch n := len(challenge); {
	case method == "S256":
		return n == 43
	case meetings:
		return 1 <= n && n <= 10
	default:
		return 43 <= n && n <= 128
	}
}

// back is the redirect URI with an answer for the client.
func (p *consents) back(a *application, answer url.Values) string {
	u, err := url.Parse(a.redirect)
	if err != nil {
		return a.redirect
	}
	q := u.Query()
	for key, values := range answer {
		q[key] = values
	}
	if a.state != "" {
		q.Set("state", a.state)
	}
	if p.issuer.cfg.Issuer != "" {
		q.Set("iss", p.issuer.cfg.Issuer)
	}
	u.RawQuery = q.Encode()
	return u.String()
}
