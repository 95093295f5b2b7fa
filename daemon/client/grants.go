package client

import (
	"context"
	"iter"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"webex-tokend/daemon/wire"
)

// A Query asks for grants.
type Query struct {
	States []string // empty: all
	ByName bool     // else by urgency
	After  string   // cursor of the page before
	Limit  int      // of one page; 0: the daemon's default of 100
}

func (q Query) values() url.Values {
	v := url.Values{}
	if len(q.States) > 0 {
		v.Set("state", strings.Join(q.States, ","))
	}
	if q.ByName {
		v.Set("sort", "name")
	}
	if q.After != "" {
		v.Set("after", q.After)
	}
	if q.Limit > 0 {
		v.Set("limit", strconv.Itoa(q.Limit))
	}
	return v
}

// Grants returns one page of the grants that the caller may see.
func (c *Client) Grants(ctx context.Context, q Query) (wire.Grants, error) {
	var page wire.Grants
	err := c.do(ctx, call{method: http.MethodGet, path: "/v1/grants", query: q.values()}, &page)
	return page, err
}

// AllGrants goes through the pages from the one that q asks for. It ends after
// the first error.
func (c *Client) AllGrants(ctx context.Context, q Query) iter.Seq2[wire.Grant, error] {
	return func(yield func(wire.Grant, error) bool) {
		for {
			page, err := c.Grants(ctx, q)
			if err != nil {
				yield(wire.Grant{}, err)
				return
			}
			for _, g := range page.Grants {
				if !yield(g, nil) {
					return
				}
			}
			if page.Next == "" {
				return
			}
			q.After = page.Next
		}
	}
}

// Grant returns one grant.
func (c *Client) Grant(ctx context.Context, name string) (wire.Grant, error) {
	var g wire.Grant
	err := c.do(ctx, call{method: http.MethodGet, path: grantPath(name)}, &g)
	return g, err
}

// Refresh renews the token of a grant now and waits for the outcome. For callers
// other than root and the daemon's own user the daemon keeps to min_interval, and
// to one refresh a day where tokens live so long.
func (c *Client) Refresh(ctx context.Context, name string, options ...RefreshOption) (wire.Grant, error) {
	query := url.Values{}
	for _, set := range options {
		set(query)
	}
	var g wire.Grant
	err := c.do(ctx, call{method: http.MethodPost, path: grantPath(name, "refresh"), query: query}, &g)
	return g, err
}

// A RefreshOption changes what Refresh asks for.
type RefreshOption func(url.Values)

// Force sets those bounds aside, for admins of the grant.
func Force(query url.Values) { query.Set("force", "1") }

// Pause stops the renewal of a grant.
func (c *Client) Pause(ctx context.Context, name string) (wire.Grant, error) {
	return order(ctx, c, name, "pause")
}

// Resume ends a pause.
func (c *Client) Resume(ctx context.Context, name string) (wire.Grant, error) {
	return order(ctx, c, name, "resume")
}

// Adopt trusts a grant whose store was put back from an older copy.
func (c *Client) Adopt(ctx context.Context, name string) (wire.Grant, error) {
	return order(ctx, c, name, "adopt")
}

// order has something done to a grant and returns what it is then.
func order(ctx context.Context, c *Client, name, verb string) (wire.Grant, error) {
	var g wire.Grant
	err := c.do(ctx, call{method: http.MethodPost, path: grantPath(name, verb)}, &g)
	return g, err
}

// Remove forgets a grant, its tokens and its files.
func (c *Client) Remove(ctx context.Context, name string) error {
	return c.do(ctx, call{method: http.MethodDelete, path: grantPath(name)}, nil)
}
