package client

import (
	"context"
	"net/http"

	"webex-tokend/daemon/wire"
)

// Web returns a URL that opens the web pages once, with the caller's rights.
func (c *Client) Web(ctx context.Context) (wire.Web, error) {
	var door wire.Web
	err := c.do(ctx, call{method: http.MethodPost, path: "/v1/web"}, &door)
	return door, err
}
