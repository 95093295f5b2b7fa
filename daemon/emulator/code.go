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

// codes are the consents that wait to be redeemed. The lock of the issuer guards
// them.
type codes struct {
	issuer  *issuer
	waiting map[string]code
}

// approve notes the consent of a person and returns its code.
func (w *codes) approve(a *application, email string, scopes []string) string {
	w.issuer.mu.Lock()
	defer w.issuer.mu.Unlock()
	now := w.issuer.now()
	for text, c := range w.waiting {
		if now >= c.end {
			delete(w.waiting, text)
		}
	}
	text := w.issuer.random(48)
	w.waiting[text] = code{
		opening:   opening{client: a.client, account: w.issuer.accountOf(email), scope: strings.Join(scopes, " ")},
		redirect:  a.redirect,
		challenge: a.challenge,
		method:    a.method,
		end:       now + codeLife.Milliseconds(),
	}
	return text
}

// redeem turns a code into a grant, once. How Webex words a refusal of a code is
// not known; these follow its words about refresh tokens. The lock of the issuer is held.
func (w *codes) redeem(client *registration, form url.Values, now int64) (GrantID, *refusal) {
	text := form.Get("code")
	c, known := w.waiting[text]
	if !known || c.opening.client != client || now >= c.end {
		return 0, &refusal{code: "invalid_grant", text: "The authorization code provided is expired, used, malformed, or invalid."}
	}
	delete(w.waiting, text)
	if form.Get("redirect_uri") != c.redirect {
		return 0, &refusal{code: "invalid_grant", text: "The redirect_uri differs from the one of the authorization request."}
	}
	if !c.verifies(form.Get("code_verifier")) {
		return 0, &refusal{code: "invalid_grant", text: "The code_verifier does not fit the code_challenge."}
	}
	id, refused := w.issuer.consent(c.opening, now)
	if refused == nil && client.Kind == Meetings {
		w.issuer.proofs[id] = proof{redirect: c.redirect, verifier: form.Get("code_verifier")}
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

// random is text of n letters and digits. The lock of the issuer is held.
func (i *issuer) random(n int) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
	text := make([]byte, n)
	for n := range text {
		text[n] = alphabet[i.rng.IntN(len(alphabet))]
	}
	return string(text)
}
