package client

import (
	"context"
	"net/http"
	"net/url"

	"webex-tokend/daemon/wire"
)

// Hosts lists the hosts that share the store; none where it is a file of one.
func (c *Client) Hosts(ctx context.Context) (wire.Hosts, error) {
	var h wire.Hosts
	err := c.do(ctx, call{method: http.MethodGet, path: "/v1/hosts"}, &h)
	return h, err
}

// YieldOffice lets another host do what happens by itself.
func (c *Client) YieldOffice(ctx context.Context) error {
	return c.do(ctx, call{method: http.MethodPost, path: "/v1/hosts/yield"}, nil)
}

// ForgetHost gives a host up that is away and never comes back.
func (c *Client) ForgetHost(ctx context.Context, name string) error {
	return c.do(ctx, call{method: http.MethodDelete, path: "/v1/hosts/" + url.PathEscape(name)}, nil)
}
