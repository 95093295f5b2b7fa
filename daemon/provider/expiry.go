package provider

import (
	"context"
	"time"

	"webex-tokend/daemon/config"
	"webex-tokend/store"
)

// An Expiry is the end of an access token as Webex reports it.
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
	a, err := c.Get(ctx, in, "/authorizations/tokenExpiry", access)
	if err != nil {
		return Expiry{}, err
	}
	end, ok := a.Instant("exp")
	if !ok {
		return Expiry{}, &Failure{Sent: true, Answered: true, Status: a.Status, Date: a.Date, Code: "not_an_expiry"}
	}
	return Expiry{End: end, Date: a.Date}, nil
}
