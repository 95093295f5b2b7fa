package provider

import (
	"context"
	"io"
	"maps"
	"net/http"
	"net/url"
	"time"

	"webex-tokend/daemon/answer"
	"webex-tokend/daemon/config"
	"webex-tokend/daemon/stopwatch"
	"webex-tokend/store"
)

// maxBody bounds an answer, in bytes; a real one has under four thousand.
const maxBody = 256 << 10

// A question is one form on its way to an endpoint of the broker.
type question struct {
	url   string
	style config.AuthStyle
	form  url.Values   // without the parameters of the client
	token store.Secret // the refresh token in it, if any
	may   func() error // as Request.MayDepart
	// private texts may not be repeated from the peer, nor the client's secret.
	private []store.Secret
}

// A reply is an HTTP response, read to its end.
type reply struct {
	*http.Response
	body    body
	private scrubber
}

// exchange puts a question whose answer has tokens in it.
func (c *Client) exchange(ctx context.Context, in *config.Integration, d dialect, q question, secret store.Secret) (Answer, *Failure) {
	r, failure := c.post(ctx, in, q, secret)
	if failure != nil {
		return Answer{}, failure
	}
	return read(r, d, q.token)
}

// post sends one question and reads what comes back. The order is a promise:
//
//  1. all that can fail here fails before a connection is asked for;
//  2. the caller's ctx counts until the request passes its send point, see sendPoint;
//  3. RoundTrip, not http.Client: it knows no redirects and no cookies;
//  4. the answer is read to its end even on an error status, so that the
//     connection can be used again.
func (c *Client) post(ctx context.Context, in *config.Integration, q question, secret store.Secret) (reply, *Failure) {
	if ctx.Err() != nil {
		return reply{}, cancelled()
	}
	transport, err := c.transport(in)
	if err != nil {
		return reply{}, unprepared(err)
	}
	form := maps.Clone(q.form)
	req, err := http.NewRequest(http.MethodPost, q.url, nil)
	if err != nil {
		return reply{}, &Failure{Kind: Misconfigured, Code: "token_url_invalid"}
	}
	authenticate(req, form, in.ClientID, q.style, secret)
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Accept", "application/json")
	req.Header.Set("Accept-Encoding", answer.Encodings)
	req.Header.Set("User-Agent", c.userAgent)

	bounded, cancel := stopwatch.WithTimeout(context.WithoutCancel(ctx), c.limits.Total)
	defer cancel()
	point := &sendPoint{cancel: cancel, may: q.may}
	defer context.AfterFunc(ctx, point.leave)()

	text := form.Encode()
	req.ContentLength = int64(len(text))
	req.Body = point.body(text)
	// net/http asks for a second body in one case only, a kept-alive connection
	// that was found closed before a byte was written to it. For no other reason
	// does it repeat a POST that has no Idempotency-Key.
	req.GetBody = func() (io.ReadCloser, error) { return point.body(text), nil }

	resp, err := transport.RoundTrip(req.WithContext(bounded))
	if refused := point.refusal(); err != nil && refused != nil {
		return reply{}, &Failure{Code: "withheld", Withheld: refused}
	}
	if err != nil {
		return reply{}, unanswered(err, point.sent())
	}
	if resp.StatusCode == http.StatusProxyAuthRequired {
		resp.Body.Close()
		return reply{}, refusedByProxy(resp, transport)
	}
	private := scrubber{in.ClientID, append([]store.Secret{secret}, q.private...)}
	return reply{resp, readBody(resp), private}, nil
}

// authenticate adds the client to a request in the one style configured,
// RFC 6749 section 2.3.1; there is no second try with the other one. A public
// client names itself in the body.
func authenticate(req *http.Request, form url.Values, clientID string, style config.AuthStyle, secret store.Secret) {
	switch {
	case secret.Empty():
		form.Set("client_id", clientID)
	case style == config.Basic:
		req.SetBasicAuth(url.QueryEscape(clientID), url.QueryEscape(secret.Reveal()))
	default:
		form.Set("client_id", clientID)
		form.Set("client_secret", secret.Reveal())
	}
}

// read turns a reply into what it says.
func read(r reply, d dialect, sent store.Secret) (Answer, *Failure) {
	switch {
	case r.StatusCode >= 200 && r.StatusCode < 300:
		return accept(r.Response, r.body, d, sent, r.private)
	case r.StatusCode >= 300 && r.StatusCode < 400:
		return Answer{}, keepTokens(redirected(r), r.body, sent)
	}
	return Answer{}, keepTokens(refuse(r.Response, r.body, d, r.private), r.body, sent)
}

func redirected(r reply) *Failure {
	f := answered(r.Response)
	f.Code = "redirect_refused"
	f.Description = r.private.clean("it redirects to host "+hostOf(r.Header.Get("Location"))+", which was not followed", maxDescription)
	return f
}

// answered begins the Failure of an answer whose status arrived.
func answered(resp *http.Response) *Failure {
	return &Failure{Sent: true, Answered: true, Status: resp.StatusCode, Date: dateOf(resp.Header)}
}

// dateOf returns the server's clock, zero when the header tells none.
func dateOf(h http.Header) time.Time {
	t, _ := http.ParseTime(h.Get("Date"))
	return t
}

func hostOf(location string) string {
	u, err := url.Parse(location)
	if err != nil || u.Host == "" {
		return "(none)"
	}
	return u.Host
}

// A body is the part of an answer that could be read.
type body struct {
	text  []byte // at most maxBody
	large bool   // there was more
	short bool   // reading failed before the announced end
}

// readBody also undoes content codings, which were not asked for but which a
// proxy may apply all the same. The bound holds before and after.
func readBody(resp *http.Response) body {
	defer resp.Body.Close()
	var b body
	b.text, b.large, b.short = answer.ReadBounded(resp.Body, maxBody, resp.ContentLength)
	plain, more, short := answer.Unpack(b.text, resp.Header.Get("Content-Encoding"), maxBody)
	return body{plain, b.large || more, b.short || short}
}
