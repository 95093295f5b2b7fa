package provider

import (
	"context"
	"io"
	"net/http"
	"strings"
	"time"

	"webex-tokend/daemon/answer"
	"webex-tokend/daemon/config"
	"webex-tokend/daemon/stopwatch"
	"webex-tokend/store"
)

// An APIAnswer is the answer of the API to a request with an access token.
type APIAnswer struct {
	answer.Object
	Status int
	Date   time.Time // the server's clock, zero when it told none
}

// Get asks the API of an integration with an access token: path stands behind
// api_url. The error is always a *Failure. Status 401 means that the token is
// not in force; 403 that it is, and lacks a scope. Nothing is used up, so ctx
// ends the call at any time.
func (c *Client) Get(ctx context.Context, in *config.Integration, path string, access store.Secret) (APIAnswer, error) {
	return c.call(ctx, in, http.MethodGet, path, access, nil, nil)
}

// call sends a request that bears an access token. A body is JSON, private what
// stands in it that no text of the peer may repeat.
func (c *Client) call(ctx context.Context, in *config.Integration, method, path string, access store.Secret, body io.Reader, private []store.Secret) (APIAnswer, error) {
	if in.APIURL == "" {
		return APIAnswer{}, &Failure{Kind: Misconfigured, Code: "no_api_url"}
	}
	transport, err := c.transport(in)
	if err != nil {
		return APIAnswer{}, unprepared(err)
	}
	ctx, cancel := stopwatch.WithTimeout(ctx, c.limits.Total)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, strings.TrimSuffix(in.APIURL, "/")+path, body)
	if err != nil {
		return APIAnswer{}, &Failure{Kind: Misconfigured, Code: "api_url_invalid"}
	}
	req.Header.Set("Authorization", "Bearer "+access.Reveal())
	req.Header.Set("Accept", "application/json")
	req.Header.Set("Accept-Encoding", answer.Encodings)
	req.Header.Set("User-Agent", c.userAgent)
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := transport.RoundTrip(req)
	if err != nil {
		return APIAnswer{}, unanswered(err, !dialing(err))
	}
	b := readBody(resp)
	if resp.StatusCode != http.StatusOK {
		return APIAnswer{}, refuse(resp, b, webex(), scrubber{in.ClientID, append(private, access)})
	}
	// What is no object has no member that a caller could ask for.
	o, _, _ := answer.Find(b.text)
	return APIAnswer{Object: o, Status: resp.StatusCode, Date: dateOf(resp.Header)}, nil
}
