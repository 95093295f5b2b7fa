package client

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"webex-tokend/daemon/wire"
)

// Token returns an access token that is good for at least minValid, rounded up
// to whole seconds; 0 is content with one that has not expired. The daemon may
// take 35 seconds to renew it; then the *Problem says when to ask again.
func (c *Client) Token(ctx context.Context, name string, minValid time.Duration) (wire.Token, error) {
	what := call{method: http.MethodGet, path: grantPath(name, "token")}
	if minValid > 0 {
		seconds := int64((minValid + time.Second - 1) / time.Second)
		what.query = url.Values{"min_valid": {strconv.FormatInt(seconds, 10)}}
	}
	var t wire.Token
	err := c.do(ctx, what, &t)
	return t, err
}
