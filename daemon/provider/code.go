package provider

import (
	"context"
	"net/url"

	"webex-tokend/daemon/config"
	"webex-tokend/store"
)

// A Code holds the parameters that the authorization endpoint sent back.
type Code struct {
	Value store.Secret
	// RedirectURI is the one of the authorization request, to the letter.
	RedirectURI string
	Verifier    store.Secret // RFC 7636; empty: no challenge was sent
}

// Exchange trades an authorization code for tokens, RFC 6749 section 4.1.3. A
// code works once, so what Refresh says about ctx and about further secrets
// holds here too. The error is always a *Failure; Rejected means that the
// server does not take the code.
func (c *Client) Exchange(ctx context.Context, in *config.Integration, code Code) (Answer, error) {
	d, ok := dialectOf(in.Kind)
	if !ok {
		return Answer{}, kindless(in)
	}
	form := url.Values{
		"grant_type":   {"authorization_code"},
		"code":         {code.Value.Reveal()},
		"redirect_uri": {code.RedirectURI},
	}
	if !code.Verifier.Empty() {
		form.Set("code_verifier", code.Verifier.Reveal())
	}
	return c.ask(ctx, in, d, question{
		url:     in.TokenURL,
		style:   in.AuthStyle,
		form:    form,
		private: []store.Secret{code.Value, code.Verifier},
	})
}
