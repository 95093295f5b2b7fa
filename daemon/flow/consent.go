// Package flow is how grants come in by consent: the authorization code flow and
// the device flow, begun by the API or a page and finished by a redirect, a pasted
// address or a code. It promises that a state works once, and that what was paid
// for with a code is stored, whoever waits for it.
package flow

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"

	"webex-tokend/daemon/config"
	"webex-tokend/daemon/duration"
	"webex-tokend/daemon/provider"
	"webex-tokend/daemon/refresh"
	"webex-tokend/daemon/refusal"
	"webex-tokend/daemon/registry"
	"webex-tokend/daemon/wire"
	"webex-tokend/store"
)

// Lives and bounds of what waits for a person.
const (
	consentLife = 10 * time.Minute
	linkLife    = 24 * time.Hour
	// The outcome of a consent can be asked for this long.
	remembered = 10 * time.Minute
	// most is how many consents may wait or be remembered at once, mostOfGrant
	// of one grant: who may administer one keeps nobody from renewing another.
	most        = 1000
	mostOfGrant = 50
)

// Registry takes what a consent brought. *registry.Registry is one.
type Registry interface {
	Register(ctx context.Context, name string, r registry.Registration) (registry.Registered, error)
}

// Tokens gives the token in force. *refresh.Refresher does.
type Tokens interface {
	Current(ctx context.Context, name string) (refresh.Current, error)
}

// Grants shows a grant before and after its consent. *report.Report is one.
type Grants interface {
	Grant(ctx context.Context, name string) (wire.Grant, error)
}

// A ConsentConfig says what Consents work with. Registry, Tokens, Grants,
// Provider and Config are needed.
type ConsentConfig struct {
	Registry Registry
	Tokens   Tokens
	Grants   Grants
	Provider *provider.Client
	// Config returns the configuration in force.
	Config func() *config.Config
	// PublicURL returns the origin under which the daemon's pages are reached,
	// empty where there are none; nil: always.
	PublicURL func() string
	// Now is the wall clock; nil means time.Now.
	Now func() time.Time
	// Log gets a line for each begin and end; nil drops them.
	Log hclog.Logger
}

// Consents are the consents under way. They are kept in memory alone: a
// restart ends them, and the person begins again. State, verifier and code
// never leave for a log, an error or the API.
type Consents struct {
	cfg   ConsentConfig
	ctx   context.Context
	stop  context.CancelFunc
	tasks sync.WaitGroup

	mu      sync.Mutex
	closed  bool
	all     map[string]*consent // by ID
	byState map[string]*consent // waiting for a redirect
	byLink  map[string]*consent // waiting to be opened
}

// A consent is one of them. What is in shown changes under the lock of its
// Consents, the rest is set before anybody else gets to see it.
type consent struct {
	shown   wire.Authorization
	forget  time.Time
	end     context.CancelFunc // of the polling; nil: not a device flow
	in      *config.Integration
	options Options

	state    string
	verifier store.Secret
	finished chan struct{} // closed when the outcome stands
}

// Options of a consent. The zero value is the authorization code flow in the
// browser of whoever asks.
type Options struct {
	Device bool // the device flow instead
	// OtherUser lets a renewal come from another person or organisation.
	OtherUser bool
	// SelectAccount lets the server ask which account signs in, whoever is signed
	// in there already.
	SelectAccount bool
	Link          bool // a one-time link for another person
	// Bound says that whoever asks sees to it himself that the browser that began
	// the consent is the one that ends it, so that no page has to.
	Bound bool
}

// NewConsents returns Consents that know of none; Close ends them.
func NewConsents(cfg ConsentConfig) *Consents {
	if cfg.PublicURL == nil {
		cfg.PublicURL = func() string { return "" }
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Log == nil {
		cfg.Log = hclog.NewNullLogger()
	}
	c := &Consents{
		cfg:     cfg,
		all:     make(map[string]*consent),
		byState: make(map[string]*consent),
		byLink:  make(map[string]*consent),
	}
	c.ctx, c.stop = context.WithCancel(context.Background())
	return c
}

// Close ends all that wait. What a person has already decided is brought to
// its end first.
func (c *Consents) Close() {
	c.mu.Lock()
	c.closed = true
	c.mu.Unlock()
	c.stop()
	c.tasks.Wait()
}

// Begin starts a consent for a declared grant. The error is a *refusal.Error:
// there is no such grant, its integration has no such flow, too many wait, or
// the device endpoint refused.
func (c *Consents) Begin(ctx context.Context, grant string, o Options) (wire.Authorization, error) {
	if _, err := c.cfg.Grants.Grant(ctx, grant); err != nil {
		return wire.Authorization{}, err
	}
	in, err := c.integration(grant, o)
	if err != nil {
		return wire.Authorization{}, err
	}
	a := &consent{in: in, options: o, finished: make(chan struct{}), shown: wire.Authorization{
		ID: random(16), Grant: grant, Method: "code", State: wire.Waiting,
	}}
	switch {
	case o.Device:
		err = c.beginDevice(ctx, a)
	case o.Link:
		err = c.enter(a, linkLife, func() { c.offer(a) })
	default:
		err = c.enter(a, consentLife, func() {
			if c.ask(a); a.shown.Served && !o.Bound {
				a.shown.PageURL = c.page(a)
			}
		})
	}
	if err != nil {
		return wire.Authorization{}, err
	}
	c.cfg.Log.Info("consent begun", "grant", grant, "method", a.shown.Method, "link", o.Link)
	return c.show(a), nil
}

// integration finds the one of a grant and refuses flows that it has not got.
func (c *Consents) integration(grant string, o Options) (*config.Integration, error) {
	cfg := c.cfg.Config()
	g, ok := cfg.Grant(grant)
	if !ok {
		return nil, conflict(grant, "is not declared any more", "")
	}
	in := cfg.Integrations[g.Integration]
	if in == nil {
		return nil, conflict(grant, "is not declared any more", "")
	}
	next := wayOf(in, grant)
	switch {
	case in.Kind == config.Static:
		return nil, conflict(grant, "is static: nobody consents to it", next)
	case o.Device && in.DeviceAuthorizeURL == "":
		return nil, conflict(grant, "has no device flow: integration "+in.Name+" has no device_authorize_url", next)
	case !o.Device && in.AuthorizeURL == "":
		return nil, conflict(grant, "has no authorization page: integration "+in.Name+" has no authorize_url", next)
	case !o.Device && in.RedirectURL == "":
		return nil, conflict(grant, "cannot be authorized in a browser: integration "+in.Name+" has no redirect_url", next)
	case asksNothing(in):
		return nil, conflict(grant, "asks for nothing: integration "+in.Name+" has no scopes", next)
	case o.Link && c.cfg.PublicURL() == "":
		return nil, conflict(grant, "can have no link: the daemon serves no pages (http block)", next)
	case o.Link && servedPath(in.RedirectURL, c.cfg.PublicURL()) == "":
		return nil, conflict(grant, "can have no link: the pages at "+c.cfg.PublicURL()+" do not serve redirect_url "+in.RedirectURL+
			", so the other person's consent would not arrive", "webex-tokend authorize "+grant+" --paste")
	}
	return in, nil
}

func asksNothing(in *config.Integration) bool {
	return len(in.Scopes) == 0 && in.Kind != config.Generic
}

// wayOf is the command by which a grant of an integration can be registered: a
// hint that leads to a refusal sends people in a circle.
func wayOf(in *config.Integration, grant string) string {
	switch {
	case in.Kind == config.Static || asksNothing(in):
	case in.Authorizes():
		return "webex-tokend authorize " + grant
	case in.DeviceAuthorizeURL != "":
		return "webex-tokend authorize " + grant + " --device"
	}
	return "webex-tokend import " + grant
}

func conflict(grant, why, action string) error {
	return &refusal.Error{Kind: refusal.Conflict, Detail: fmt.Sprintf("grant %s %s", grant, why), Action: action}
}

func tooMany(n int, of string) error {
	return &refusal.Error{Kind: refusal.Unavailable, RetryAfter: time.Minute, Detail: fmt.Sprintf("%d consents %swait already", n, of)}
}

// enter makes a consent known for so long; begin runs under the lock.
func (c *Consents) enter(a *consent, life time.Duration, begin func()) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sweep()
	ofGrant := 0
	for _, other := range c.all {
		if other.shown.Grant == a.shown.Grant {
			ofGrant++
		}
	}
	switch {
	case c.closed:
		return &refusal.Error{Kind: refusal.Unavailable, RetryAfter: time.Minute, Detail: "the daemon is stopping"}
	case ofGrant >= mostOfGrant:
		return tooMany(mostOfGrant, "of this grant ")
	case len(c.all) >= most:
		return tooMany(most, "")
	}
	c.all[a.shown.ID] = a
	c.prolong(a, life)
	begin()
	return nil
}

// prolong gives a consent a new end. c.mu is held.
func (c *Consents) prolong(a *consent, life time.Duration) {
	a.shown.ExpiresAt = c.cfg.Now().UTC().Add(life).Truncate(time.Second)
	a.forget = a.shown.ExpiresAt.Add(remembered)
}

// sweep ends what has expired and forgets what is of no interest any more. A
// device flow ends by its own polling: the answer of a poll under way may have
// arrived while the process was stopped. c.mu is held.
func (c *Consents) sweep() {
	now := c.cfg.Now()
	for _, a := range c.all {
		if c.open(a) && a.end == nil && !now.Before(a.shown.ExpiresAt) {
			c.fail(a, "nobody decided in time", "begin again")
			a.forget = a.shown.ExpiresAt.Add(remembered)
		}
	}
	maps.DeleteFunc(c.all, func(_ string, a *consent) bool {
		return !now.Before(a.forget) && (a.end == nil || !c.open(a))
	})
}

// open reports whether a consent can still be decided. c.mu is held.
func (c *Consents) open(a *consent) bool {
	return a.shown.State == wire.Waiting || a.shown.State == wire.Linked
}

// close takes a consent out of every way by which an answer could come.
// c.mu is held.
func (c *Consents) close(a *consent) {
	maps.DeleteFunc(c.byState, func(_ string, b *consent) bool { return a == b })
	maps.DeleteFunc(c.byLink, func(_ string, b *consent) bool { return a == b })
	if a.end != nil {
		a.end()
	}
	a.verifier = store.Secret{}
	a.forget = c.cfg.Now().Add(remembered)
}

// finish lets those go on who wait for the outcome. c.mu is held.
func (a *consent) finish() {
	select {
	case <-a.finished:
	default:
		close(a.finished)
	}
}

// fail ends a consent without tokens. c.mu is held.
func (c *Consents) fail(a *consent, why, advice string) {
	c.close(a)
	a.shown.State, a.shown.Error, a.shown.Advice = wire.Failed, why, advice
	a.finish()
	c.cfg.Log.Warn("consent failed", "grant", a.shown.Grant, "error", why)
}

// Authorization tells how a consent stands; false: it is not known, or not any
// more.
func (c *Consents) Authorization(id string) (a wire.Authorization, found bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sweep()
	known, found := c.all[id]
	if !found {
		return wire.Authorization{}, false
	}
	return known.shown, true
}

// Cancel ends a consent that waits; an answer to it is refused from then on.
// False: there is none.
func (c *Consents) Cancel(id string) (found bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	a, found := c.all[id]
	if !found {
		return false
	}
	if c.open(a) {
		c.close(a)
	}
	delete(c.all, id)
	a.finish()
	return true
}

func (c *Consents) show(a *consent) wire.Authorization {
	c.mu.Lock()
	defer c.mu.Unlock()
	return a.shown
}

// ErrUnknownState says that a redirect or a link belongs to no consent that
// waits: it was used, has expired, was cancelled, or was given out before the
// daemon's last start.
var ErrUnknownState = errors.New("this consent has already finished or expired, or the daemon has been restarted; begin again")

// random returns n random bytes in characters that a URL takes as they are.
func random(n int) string {
	b := make([]byte, n)
	rand.Read(b)
	return base64.RawURLEncoding.EncodeToString(b)
}

// failureAdvice puts what a broker said into what to do about it.
func failureAdvice(in *config.Integration, err error) (why, advice string) {
	f, ok := errors.AsType[*provider.Failure](err)
	if errors.Is(err, errNoRefreshToken) {
		return err.Error(), refreshTokenAdvice(in)
	}
	if !ok {
		return err.Error(), "begin again"
	}
	switch f.Kind {
	case provider.Misconfigured:
		advice = "check client_id and the client secret of integration " + in.Name
	case provider.Rejected:
		advice = "the code was used before or took too long; begin again"
	case provider.Limited:
		advice = "begin again in " + duration.Format(cmp.Or(f.RetryAfter, time.Minute))
	case provider.Exhausted:
		advice = "the account holds too many access tokens; let some expire first"
	default:
		advice = "begin again"
	}
	return f.Error(), advice
}
