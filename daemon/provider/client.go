// Package provider speaks to token endpoints, one dialect per kind of
// integration. It promises that a secret goes to the configured endpoint and
// nowhere else, that a request is written at most once per client secret, that
// a refresh token in an answer is never dropped however odd the rest, and that
// no error text carries a secret.
//
// golang.org/x/oauth2 is not used on purpose: it repeats requests with another
// authentication style, follows redirects with the secrets in the body, and
// loses rotated refresh tokens when another field of the answer is odd.
package provider

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"webex-tokend/daemon/clientsecret"
	"webex-tokend/daemon/config"
	"webex-tokend/store"
)

// A Config says how a Client reaches endpoints. The zero value is good.
type Config struct {
	// Transport carries the requests of an integration; nil means transports
	// of the Client's own, see transport.go. Another one must neither follow
	// redirects nor repeat a request whose body it has begun to read.
	Transport func(*config.Integration) (http.RoundTripper, error)
	// UserAgent is sent with every request; empty means "webex-tokend".
	UserAgent string
	Limits    Limits
}

// Limits bound one request. A zero field takes the value behind it.
type Limits struct {
	Connect   time.Duration // 10 s, to the endpoint or its proxy
	Handshake time.Duration // 10 s, TLS
	// Total is 30 s in which the process runs, from the start to the last byte
	// of the answer. There is no limit for the header alone: after a stop of the
	// process it would fire before the header that has arrived is read.
	Total time.Duration
}

func (l Limits) withDefaults() Limits {
	l.Connect = cmp.Or(l.Connect, 10*time.Second)
	l.Handshake = cmp.Or(l.Handshake, 10*time.Second)
	l.Total = cmp.Or(l.Total, 30*time.Second)
	return l
}

// A Client sends token requests. It is safe for concurrent use and keeps no
// goroutine of its own beside those of idle connections.
type Client struct {
	transport func(*config.Integration) (http.RoundTripper, error)
	userAgent string
	limits    Limits
	own       *transports
	secrets   *clientsecret.Secrets

	mu sync.Mutex
	// accepted is, per integration, the secret file that worked last.
	accepted map[string]config.SecretFile
}

// New returns a Client; Close lets go of its connections.
func New(cfg Config) *Client {
	c := &Client{
		transport: cfg.Transport,
		userAgent: cmp.Or(cfg.UserAgent, "webex-tokend"),
		limits:    cfg.Limits.withDefaults(),
		secrets:   clientsecret.New(),
		accepted:  make(map[string]config.SecretFile),
	}
	c.own = &transports{limits: c.limits, pools: make(map[route]*pool)}
	if c.transport == nil {
		c.transport = c.own.of
	}
	return c
}

// Close closes idle connections. A request in flight still finishes; its
// connection closes itself when it has been idle for a while.
func (c *Client) Close() { c.own.closeIdle() }

// A Request holds what a refresh needs of its grant.
type Request struct {
	Token store.Secret // the refresh token
	// RedirectURI and CodeVerifier of the consent; Meetings wants them again.
	RedirectURI  string
	CodeVerifier store.Secret
	// MayDepart is asked right before the first byte of the body leaves, for
	// each body anew. Its error keeps the refresh token here, and is in the
	// Failure's Withheld; nil lets everything leave.
	MayDepart func() error
}

// Refresh sends a refresh token to the token endpoint. The error is always a
// *Failure.
//
// Until the request begins to be written, ctx ends the call. From there on the
// exchange is deaf to it and ends by the Client's limits alone, because an
// answer that nobody reads may hold the only copy of a rotated token.
//
// With more than one client secret, a request that was refused for the client
// itself is sent once more with each next one: the server looks at the client
// before it looks at the refresh token, so nothing was used up. The secret
// that worked goes first the next time.
func (c *Client) Refresh(ctx context.Context, in *config.Integration, r Request) (Answer, error) {
	d, ok := dialectOf(in.Kind)
	if !ok {
		return Answer{}, kindless(in)
	}
	form := d.form(in, r)
	a, err := c.ask(ctx, in, d, question{
		url:     in.TokenURL,
		style:   in.AuthStyle,
		form:    form,
		token:   r.Token,
		may:     r.MayDepart,
		private: []store.Secret{r.CodeVerifier, r.Token, store.NewSecret(form.Get("refresh_token"))},
	})
	if f, failed := errors.AsType[*Failure](err); failed {
		f.Description = unprefixed(in, r.Token, f)
	}
	return a, err
}

// unprefixed names the setting that a refused refresh token of Meetings may lack.
// The documentation says that it is to begin with the site's name, and some are
// issued without.
func unprefixed(in *config.Integration, token store.Secret, f *Failure) string {
	site := in.Site + "_"
	if in.Kind != config.Meetings || f.Kind != Rejected || in.PrefixSite || in.Site == "" || strings.HasPrefix(token.Reveal(), site) {
		return f.Description
	}
	return scrubber{}.clean("it does not begin with "+site+", for which there is prefix_site = true; "+f.Description, maxDescription)
}

// ask puts a question whose answer has tokens in it.
func (c *Client) ask(ctx context.Context, in *config.Integration, d dialect, q question) (Answer, error) {
	var a Answer
	failure := c.prove(in, func(secret store.Secret) (f *Failure) {
		a, f = c.exchange(ctx, in, d, q, secret)
		return f
	})
	return answerOrFailure(a, failure)
}

// prove tries a request with each secret of the client in turn, until one of
// them is not what is refused. A public client has one try without any.
func (c *Client) prove(in *config.Integration, try func(secret store.Secret) *Failure) *Failure {
	if len(in.Secrets) == 0 {
		return try(store.Secret{})
	}
	var failure *Failure
	for _, file := range c.secretFiles(in) {
		secret, err := c.secrets.Of(file)
		if err != nil {
			// The refusal of an earlier secret says more than a missing next one.
			failure = cmp.Or(failure, unreadable(err))
			continue
		}
		failure = try(secret)
		if failure == nil {
			c.remember(in, file)
		}
		if failure == nil || !failure.client {
			return failure
		}
	}
	return failure
}

// kindless is a request that the kind of the integration does not know.
func kindless(in *config.Integration) *Failure {
	return &Failure{Kind: Misconfigured, Code: "not_refreshable",
		Description: "grants of kind " + string(in.Kind) + " have no token request"}
}

// Unreadable tells why an integration has no secret to prove itself with; nil
// when one of its files can be read, or when it needs none.
func Unreadable(in *config.Integration) *Failure {
	var failure *Failure
	for _, file := range in.Secrets {
		_, err := file.Read()
		if err == nil {
			return nil
		}
		failure = cmp.Or(failure, unreadable(err))
	}
	return failure
}

// unreadable is a secret file that this machine does not give.
func unreadable(err error) *Failure {
	return &Failure{Kind: Misconfigured, Code: "client_secret_unreadable",
		Description: scrubber{}.clean(err.Error(), maxDescription)}
}

// answerOrFailure keeps a nil *Failure from becoming an error that is not nil.
func answerOrFailure(a Answer, f *Failure) (Answer, error) {
	if f != nil {
		return Answer{}, f
	}
	return a, nil
}

// secretFiles lists the secrets of an integration, the one that worked last first.
func (c *Client) secretFiles(in *config.Integration) []config.SecretFile {
	c.mu.Lock()
	defer c.mu.Unlock()
	files := slices.Clone(in.Secrets)
	if i := slices.Index(files, c.accepted[in.Name]); i > 0 {
		files[0], files[i] = files[i], files[0]
	}
	return files
}

func (c *Client) remember(in *config.Integration, file config.SecretFile) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.accepted[in.Name] = file
}
