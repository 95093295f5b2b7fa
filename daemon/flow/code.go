package flow

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"net/url"
	"slices"
	"strings"

	"webex-tokend/daemon/config"
	"webex-tokend/daemon/provider"
	"webex-tokend/daemon/refusal"
	"webex-tokend/daemon/registry"
	"webex-tokend/daemon/wire"
	"webex-tokend/store"
)

// ask writes the URL of the authorization page. c.mu is held.
func (c *Consents) ask(a *consent) {
	a.state = random(32)
	a.verifier = newVerifier(a.in)
	c.byState[a.state] = a
	a.shown.State = wire.Waiting
	a.shown.URL = authorizeURL(a.in, a.options, a.state, a.verifier)
	a.shown.RedirectURL = a.in.RedirectURL
	a.shown.Served = servedPath(a.in.RedirectURL, c.cfg.PublicURL()) != ""
}

// newVerifier returns a code verifier after RFC 7636 section 4.1, 43
// characters, or one of 10 for a plain challenge to Meetings, whose document
// allows no more.
func newVerifier(in *config.Integration) store.Secret {
	switch {
	case in.PKCE == "none":
		return store.Secret{}
	case in.Kind == config.Meetings && in.PKCE == "plain":
		const most = 10
		return store.NewSecret(random(32)[:most])
	}
	return store.NewSecret(random(32))
}

// authorizeURL is RFC 6749 section 4.1.1. Scopes are parted by spaces, which
// the form encoding writes as a plus sign: that is the separator which Meetings
// wants to the letter, and it must not become %2B.
func authorizeURL(in *config.Integration, o Options, state string, verifier store.Secret) string {
	u, err := url.Parse(in.AuthorizeURL)
	if err != nil {
		return in.AuthorizeURL // config has parsed it before
	}
	q := u.Query()
	for name, value := range in.AuthorizeParams {
		q.Set(name, value)
	}
	if o.SelectAccount {
		q.Set("prompt", withAccount(q.Get("prompt")))
	}
	q.Set("response_type", "code")
	q.Set("client_id", in.ClientID)
	q.Set("redirect_uri", in.RedirectURL)
	q.Set("state", state)
	if len(in.Scopes) > 0 {
		q.Set("scope", strings.Join(in.Scopes, " "))
	}
	if !verifier.Empty() {
		q.Set("code_challenge", challenge(in.PKCE, verifier))
		q.Set("code_challenge_method", in.PKCE)
	}
	u.RawQuery = q.Encode()
	return u.String()
}

// withAccount adds to the prompt of OpenID Connect that the server asks which
// account signs in.
func withAccount(prompt string) string {
	const ask = "select_account"
	values := slices.DeleteFunc(strings.Fields(prompt), func(value string) bool { return value == "none" || value == ask })
	return strings.Join(append(values, ask), " ")
}

func challenge(method string, verifier store.Secret) string {
	if method == "plain" {
		return verifier.Reveal()
	}
	sum := sha256.Sum256([]byte(verifier.Reveal()))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// Redirected takes the query of a redirect URL, trades the code for tokens,
// verifies who consented and registers them. Whatever comes of it stands in
// the Authorization; the only error is ErrUnknownState, and then nothing was
// sent anywhere. It takes as long as three requests may, up to 90 s; ctx ends
// it only until the code is on its way.
//
// A state works once, whatever comes with it: it is taken out before anything
// else is looked at, so that of two redirects with one state at most one goes
// on. path is where the answer arrived; empty where only its query is known.
func (c *Consents) Redirected(ctx context.Context, path string, query url.Values) (wire.Authorization, error) {
	a, sent := c.claim(query.Get("state"))
	if a == nil {
		return wire.Authorization{}, ErrUnknownState
	}
	defer c.tasks.Done()
	why, advice, declined := "", "", false
	code := store.NewSecret(query.Get("code"))
	mixed := c.mixedUp(a.in, path, query.Get("iss"), !code.Empty())
	switch said := query.Get("error"); {
	case mixed != "":
		why, advice = mixed, "begin again; if it happens again, check issuer and redirect_url of integration "+a.in.Name
	case said != "":
		why, advice = refusedConsent(a, said)
		declined = said == "access_denied"
	case code.Empty():
		why, advice = "the redirect brought neither a code nor an error", "begin again"
	}
	if why != "" {
		c.mu.Lock()
		defer c.mu.Unlock()
		if declined {
			a.shown.Reason = wire.Declined
		}
		c.fail(a, why, advice)
		return a.shown, nil
	}
	sentAt := c.cfg.Now()
	answer, err := c.cfg.Provider.Exchange(ctx, a.in, provider.Code{Value: code, RedirectURI: a.in.RedirectURL, Verifier: sent})
	// What has been paid for with the code is brought home, whoever waits.
	c.settle(context.WithoutCancel(ctx), a, registry.Registration{Answer: answer, IssuedAt: sentAt,
		RedirectURI: a.in.RedirectURL, CodeVerifier: sent}, err)
	return c.show(a), nil
}

// mixedUp reports why an answer is not one of the server that was asked: it
// arrived at the redirect of another integration, or names another issuer than
// its own, or none where one is expected. A server that somebody hostile runs
// could else be handed the code of an honest one, RFC 9207 and RFC 9700 section
// 4.4.
func (c *Consents) mixedUp(in *config.Integration, path, iss string, code bool) string {
	if to, err := url.Parse(in.RedirectURL); path != "" && (err != nil || cmp.Or(to.Path, "/") != path) {
		return "the answer arrived at another address than redirect_url of integration " + in.Name
	}
	switch {
	case in.Issuer != "" && iss == "" && code: // without one there is nothing to lose
		return "the answer does not name its authorization server, which is to be " + in.Issuer
	case in.Issuer != "" && iss != "" && iss != in.Issuer:
		return "the answer names another authorization server than " + in.Issuer
	case iss == "" || in.Issuer != "":
		return ""
	}
	for _, other := range c.cfg.Config().Integrations {
		if other.Issuer == iss && other.Name != in.Name {
			return "the answer names the authorization server of integration " + other.Name
		}
	}
	return ""
}

// Pasted takes the whole redirect URL, as a person copied it out of the address
// bar or a program caught it, for the consent with that ID. A URL of no use
// leaves the consent waiting: the error is a *refusal.Error, or
// ErrUnknownState when the consent itself has ended in another way. The own
// address of a consent that has ended by it is answered with the outcome: the
// page may have been faster than whoever pastes.
func (c *Consents) Pasted(ctx context.Context, id, redirectURL string) (wire.Authorization, error) {
	path, query, err := readPasted(redirectURL)
	if err != nil && !errors.Is(err, errPastedNoState) {
		return wire.Authorization{}, useless(err.Error())
	}
	state := query.Get("state")
	c.mu.Lock()
	c.sweep()
	a := c.all[id]
	own := a != nil && a.state != "" && a.state == state
	waits := a != nil && c.open(a) && a.state != ""
	c.mu.Unlock()
	switch {
	case own:
	case !waits:
		return wire.Authorization{}, ErrUnknownState
	case state == "":
		return wire.Authorization{}, useless(errPastedNoState.Error())
	default:
		return wire.Authorization{}, useless("that URL belongs to another consent")
	}
	ended, err := c.Redirected(ctx, path, query)
	if !errors.Is(err, ErrUnknownState) {
		return ended, err
	}
	// Somebody else handed the same answer in, and its code is under way.
	select {
	case <-a.finished:
		return c.show(a), nil
	case <-ctx.Done():
		return wire.Authorization{}, ctx.Err()
	case <-c.ctx.Done():
		return wire.Authorization{}, ErrUnknownState
	}
}

func useless(why string) error { return &refusal.Error{Kind: refusal.BadContent, Detail: why} }

// Waits reports whether a consent with that state waits for its answer.
func (c *Consents) Waits(state string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sweep()
	return c.byState[state] != nil
}

// claim takes a state out of the table, once, together with its verifier.
// tasks counts the caller from here on.
func (c *Consents) claim(state string) (*consent, store.Secret) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sweep()
	a := c.byState[state]
	if a == nil || c.closed {
		return nil, store.Secret{}
	}
	c.tasks.Add(1)
	sent := a.verifier
	c.close(a)
	return a, sent
}

// refusedConsent puts the errors of RFC 6749 section 4.1.2.1, as they come in
// a redirect, into words. What the server says beside the code is left out:
// anybody can write a redirect.
func refusedConsent(a *consent, code string) (why, advice string) {
	switch code {
	case "access_denied":
		return "the person declined", "begin again when the person agrees"
	case "invalid_scope":
		return "the server knows or allows not all of these scopes: " + strings.Join(a.in.Scopes, " "),
			"compare scopes of integration " + a.in.Name + " with those of its registration"
	case "server_error", "temporarily_unavailable":
		return "the authorization server has trouble of its own", "begin again in some minutes"
	case "unauthorized_client", "unsupported_response_type":
		return "the server does not let this client ask for a code",
			"check client_id and the registration of integration " + a.in.Name
	case "login_required", "interaction_required", "consent_required":
		return "the person has to sign in first", "begin again"
	}
	return "the authorization server refused", "check redirect_url, scopes and pkce of integration " + a.in.Name
}

// RedirectPaths lists the paths of the redirect URLs to which a server under
// publicURL answers, sorted, each once.
func RedirectPaths(cfg *config.Config, publicURL string) []string {
	var paths []string
	for _, in := range cfg.Integrations {
		if path := servedPath(in.RedirectURL, publicURL); path != "" && in.AuthorizeURL != "" {
			paths = append(paths, path)
		}
	}
	slices.Sort(paths)
	return slices.Compact(paths)
}

// servedPath is the path of a redirect URL, empty where another origin than
// publicURL serves it.
func servedPath(redirectURL, publicURL string) string {
	to, err := url.Parse(redirectURL)
	if err != nil || redirectURL == "" || publicURL == "" {
		return ""
	}
	public, err := url.Parse(publicURL)
	if err != nil || to.Scheme != public.Scheme || to.Host != public.Host {
		return ""
	}
	if to.Path == "" {
		return "/"
	}
	return to.Path
}
