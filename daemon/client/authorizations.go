package client

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"

	"webex-tokend/daemon/wire"
)

// Authorize begins a consent for a grant.
func (c *Client) Authorize(ctx context.Context, name string, how wire.Authorizing) (wire.Authorization, error) {
	return c.authorization(ctx, http.MethodPost, grantPath(name, "authorizations"), how)
}

// Authorization tells how a consent stands.
func (c *Client) Authorization(ctx context.Context, id string) (wire.Authorization, error) {
	return c.authorization(ctx, http.MethodGet, authorizationPath(id), nil)
}

// FinishAuthorization hands in the URL to which the person was sent back, with
// its query, and waits for what comes of it. After a *Problem other than 404
// and 410 the consent still waits.
func (c *Client) FinishAuthorization(ctx context.Context, id, redirectURL string) (wire.Authorization, error) {
	return c.authorization(ctx, http.MethodPut, authorizationPath(id), wire.Redirect{URL: redirectURL})
}

// CancelAuthorization ends a consent that waits.
func (c *Client) CancelAuthorization(ctx context.Context, id string) error {
	return c.do(ctx, call{method: http.MethodDelete, path: authorizationPath(id)}, nil)
}

// Probe tries the access token of a grant on the API.
func (c *Client) Probe(ctx context.Context, name string) (wire.Probe, error) {
	var p wire.Probe
	err := c.do(ctx, call{method: http.MethodPost, path: grantPath(name, "probe"), work: true}, &p)
	return p, err
}

// Unread returns the last answer of a grant that could not be read.
func (c *Client) Unread(ctx context.Context, name string) (wire.Unread, error) {
	var u wire.Unread
	err := c.do(ctx, call{method: http.MethodPost, path: grantPath(name, "unread")}, &u)
	return u, err
}

// Revoke ends the tokens of a grant at the broker.
func (c *Client) Revoke(ctx context.Context, name string) (wire.Revocation, error) {
	var r wire.Revocation
	err := c.do(ctx, call{method: http.MethodPost, path: grantPath(name, "revoke"), work: true}, &r)
	return r, err
}

func authorizationPath(id string) string { return "/v1/authorizations/" + url.PathEscape(id) }

func (c *Client) authorization(ctx context.Context, method, path string, body any) (wire.Authorization, error) {
	// A code that is handed in is traded, and its person asked for: up to 90 s.
	what := call{method: method, path: path, work: method == http.MethodPut}
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			return wire.Authorization{}, fmt.Errorf("encode request: %w", err)
		}
		what.kind, what.body = "application/json", bytes.NewReader(text)
	}
	var a wire.Authorization
	err := c.do(ctx, what, &a)
	return a, err
}
