package flow

import (
	"context"
	"strings"

	"webex-tokend/daemon/wire"
)

// LinkPath is the path under which one-time links stand, before their token.
const LinkPath = "/link/"

// offer writes a one-time link. c.mu is held.
func (c *Consents) offer(a *consent) {
	a.shown.State = wire.Linked
	a.shown.URL = c.page(a)
}

// page makes a page known that leads to a consent, once, and returns its URL.
// c.mu is held.
func (c *Consents) page(a *consent) string {
	token := random(32)
	c.byLink[token] = a
	return strings.TrimSuffix(c.cfg.PublicURL(), "/") + LinkPath + token
}

// Link looks at a one-time link by its token and leaves it usable: programs
// that preview links must not use them up.
func (c *Consents) Link(token string) (a wire.Authorization, found bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sweep()
	linked, found := c.byLink[token]
	if !found {
		return wire.Authorization{}, false
	}
	return linked.shown, true
}

// OpenLink uses a link up and begins the consent behind it, whose URL is the
// authorization page. ErrUnknownState: it was used, has expired, was cancelled
// or was never given out.
func (c *Consents) OpenLink(_ context.Context, token string) (wire.Authorization, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sweep()
	a, found := c.byLink[token]
	if !found || c.closed {
		return wire.Authorization{}, ErrUnknownState
	}
	delete(c.byLink, token)
	if a.state == "" {
		c.prolong(a, consentLife)
		c.ask(a)
	}
	return a.shown, nil
}
