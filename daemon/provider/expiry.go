package provider

import (
	"context"
	"net/http"
	"strings"
	"time"

	"webex-tokend/daemon/config"
	"webex-tokend/store"
)

// An Expiry is what Webex says of an access token.
type Expiry struct {
	End  time.Time
	Date time.Time // the server's clock at the answer, zero when it told none
}

// TokenExpiry asks Webex when an access token ends, by GET
// {api_url}/authorizations/tokenExpiry with that token as bearer, answered by
// {"exp": 1768630439322} in milliseconds since the epoch. The error is always
// a *Failure; Status 401 means that the token is not in force. Nothing is
// used up, so ctx ends the call at any time.
func (c *Client) TokenExpiry(ctx context.Context, in *config.Integration, access store.Secret) (Expiry, error) {
	if in.APIURL == "" {
		return Expiry{}, &Failure{Kind: Misconfigured, Code: "no_api_url"}
	}
	transport, err := c.transport(in)
	if err != nil {
		return Expiry{}, unprepared(err)
	}
	ctx, cancel := context.WithTimeout(ctx, c.limits.Total)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet,
		strings.TrimSuffix(in.APIURL, "/")+"/authorizations/tokenExpiry", nil)
	if err != nil {
		return Expiry{}, &Failure{Kind: Misconfigured, Code: "api_url_invalid"}
	}
	req.Header.Set("Authorization", "Bearer "+access.Reveal())
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", c.userAgent)
	resp, err := transport.RoundTrip(req)
	if err != nil {
		return Expiry{}, unanswered(err, !dialing(err))
	}
	b := readBody(resp)
	if resp.StatusCode != http.StatusOK {
		return Expiry{}, refuse(resp, b, webex(), scrubber{secrets: []store.Secret{access}})
	}
	o, _ := ReadObject(b.text)
	end, ok := o.Instant("exp")
	if !ok {
		f := answered(resp)
		f.Code = "not_an_expiry"
		return Expiry{}, f
	}
	return Expiry{End: end, Date: dateOf(resp.Header)}, nil
}
