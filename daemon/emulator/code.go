package emulator

import (
	"crypto/sha256"
	"encoding/base64"
	"net/url"
	"strings"
	"time"
)

// codeLife is how long an authorization code waits to be redeemed.
const codeLife = 5 * time.Minute

// A code is a consent that was given and not yet redeemed.
type code struct {
	opening   opening
	redirect  string
	challenge string
	method    string // "", "plain" or "S256"
	end       int64
}

// approve notes the consent of a person and returns its code.
func (e *Emulator) approve(a *application, email string, scopes []string) string {
	e.mu.Lock()
	defer e.mu.Unlock()
	now := e.now()
	for text, c := range e.codes {
		if now >= c.end {
			delete(e.codes, text)
		}
	}
	text := e.random(48)
	e.codes[text] = code{
		opening:   opening{client: a.client, account: e.accountOf(email), scope: strings.Join(scopes, " ")},
		redirect:  a.redirect,
		challenge: a.challenge,
		method:    a.method,
		end:       now + codeLife.Milliseconds(),
	}
	return text
}

// redeem turns a code into a grant, once. How Webex words a refusal of a code is
// not known; these follow its words about refresh tokens. e.mu is held.
func (e *Emulator) redeem(client *registration, form url.Values, now int64) (GrantID, *refusal) {
	text := form.Get("code")
	c, known := e.codes[text]
	if !known || c.opening.client != client || now >= c.end {
		return 0, &refusal{code: "invalid_grant", text: "The authorization code provided is expired, used, malformed, or invalid."}
	}
	delete(e.codes, text)
	if form.Get("redirect_uri") != c.redirect {
		return 0, &refusal{code: "invalid_grant", text: "The redirect_uri differs from the one of the authorization request."}
	}
	if !c.verifies(form.Get("code_verifier")) {
		return 0, &refusal{code: "invalid_grant", text: "The code_verifier does not fit the code_challenge."}
	}
	id, refused := e.consent(c.opening, now)
	if refused == nil && client.Kind == Meetings {
		e.proofs[id] = proof{redirect: c.redirect, verifier: form.Get("code_verifier")}
	}
	return id, refused
}

func (c code) verifies(verifier string) bool {
	switch c.method {
	case "S256":
		sum := sha256.Sum256([]byte(verifier))
		return base64.RawURLEncoding.EncodeToString(sum[:]) == c.challenge
	case "plain":
		return verifier == c.challenge
	}
	return true
}

// random is text of n letters and digits. e.mu is held.
func (e *Emulator) random(n int) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
	text := make([]byte, n)
	for i := range text {
		text[i] = alphabet[e.rng.IntN(len(alphabet))]
	}
	return string(text)
}
