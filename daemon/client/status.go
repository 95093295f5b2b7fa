package client

import (
	"context"
	"net/http"

	"webex-tokend/daemon/wire"
)

// Status sums up the grants that the caller may see, and the daemon's health.
func (c *Client) Status(ctx context.Context) (wire.Status, error) {
	var s wire.Status
	err := c.do(ctx, call{method: http.MethodGet, path: "/v1/status"}, &s)
	return s, err
}

// Reload makes the daemon read its configuration again. A configuration with
// faults changes nothing and comes back as a *Problem with status 422.
func (c *Client) Reload(ctx context.Context) error {
	return c.do(ctx, call{method: http.MethodPost, path: "/v1/reload", work: true}, nil)
}
