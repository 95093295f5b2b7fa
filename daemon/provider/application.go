package provider

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"time"

	"webex-tokend/daemon/config"
	"webex-tokend/store"
)

// Mint fetches a token pair of a service app, by
// POST {api_url}/applications/{id}/token with
//
//	{"clientId":"...","clientSecret":"...","targetOrgId":"..."}
//
// and, as bearer, the access token of an integration that was granted
// spark:applications_token. It can be repeated at any time, the pairs before
// keep working. The error is always a *Failure.
func (c *Client) Mint(ctx context.Context, in *config.Integration, manager store.Secret) (Answer, error) {
	var a Answer
	failure := c.prove(in, func(secret store.Secret) (f *Failure) {
		a, f = c.mint(ctx, in, manager, secret)
		return f
	})
	return answerOrFailure(a, failure)
}

func (c *Client) mint(ctx context.Context, in *config.Integration, manager, secret store.Secret) (Answer, *Failure) {
	body, err := json.Marshal(map[string]string{
		"clientId":     in.ClientID,
		"clientSecret": secret.Reveal(),
		"targetOrgId":  in.TargetOrgID,
	})
	if err != nil {
		return Answer{}, &Failure{Kind: Misconfigured, Code: "not_encodable"}
	}
	path := "/applications/" + url.PathEscape(in.ApplicationID) + "/token"
	got, err := c.call(ctx, in, http.MethodPost, path, manager, bytes.NewReader(body), []store.Secret{secret})
	if f, failed := errors.AsType[*Failure](err); failed {
		return Answer{}, f
	}
	a := AnswerOf(got.Object, longestLife)
	a.Date = got.Date
	a.bound(time.Now())
	if a.Access.Empty() {
		return Answer{}, &Failure{Sent: true, Answered: true, Status: got.Status, Date: got.Date, Code: "no_access_token"}
	}
	return a, nil
}
