package provider

import (
	"context"
	"net/http"
	"net/url"

	"webex-tokend/daemon/config"
	"webex-tokend/store"
)

// A TokenHint says what a token is, RFC 7009 section 2.1.
type TokenHint string

const (
	HintRefresh TokenHint = "refresh_token"
	HintAccess  TokenHint = "access_token"
)

// Revoke asks the broker to end a token, RFC 7009. Without an error it no
// longer works, or did not before: the RFC has one answer for both. A *Failure
// with the code unsupported means that the endpoint does not do it. Webex
// wants Basic authentication here, as Cisco's JavaScript SDK has it.
func (c *Client) Revoke(ctx context.Context, in *config.Integration, token store.Secret, hint TokenHint) error {
	d, ok := dialectOf(in.Kind)
	if !ok || in.RevokeURL == "" {
		return &Failure{Code: CodeUnsupported, Description: "no revocation endpoint is known"}
	}
	style := config.Basic
	if in.Kind == config.Generic {
		style = in.AuthStyle
	}
	q := question{
		url:     in.RevokeURL,
		style:   style,
		form:    url.Values{"token": {token.Reveal()}, "token_type_hint": {string(hint)}},
		private: []store.Secret{token},
	}
	failure := c.prove(in, func(secret store.Secret) *Failure { return c.revoke(ctx, in, d, q, secret) })
	if failure != nil {
		return failure
	}
	return nil
}

// CodeUnsupported is the code of a Failure to do what the server does not offer.
const CodeUnsupported = "unsupported"

func (c *Client) revoke(ctx context.Context, in *config.Integration, d dialect, q question, secret store.Secret) *Failure {
	r, failure := c.post(ctx, in, q, secret)
	if failure != nil {
		return failure
	}
	if r.StatusCode >= 200 && r.StatusCode < 300 {
		return nil
	}
	if r.StatusCode < 400 {
		return redirected(r)
	}
	f := refuse(r.Response, r.body, d, r.private)
	switch {
	case r.StatusCode == http.StatusNotFound, r.StatusCode == http.StatusMethodNotAllowed,
		r.StatusCode == http.StatusNotImplemented, f.Code == "unsupported_token_type":
		f.Code = CodeUnsupported
	}
	return f
}
