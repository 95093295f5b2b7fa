package provider

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"strings"
	"time"

	"webex-tokend/daemon/answer"
	"webex-tokend/daemon/config"
	"webex-tokend/store"
)

// What a device flow takes where the answer has no number: those that Webex
// documents for its own, and the interval of RFC 8628 for all others.
const (
	deviceLife        = 5 * time.Minute
	deviceInterval    = 5 * time.Second
	longestDeviceLife = time.Hour
)

// A Device is a device flow that waits for its person.
type Device struct {
	Code store.Secret
	// UserCode is what the person enters at URL; URLComplete has it in it and
	// may be empty.
	UserCode    string
	URL         string
	URLComplete string
	Life        time.Duration
	Interval    time.Duration // least time between two polls
}

// StartDevice begins a device flow, RFC 8628 section 3.1:
//
//	{"device_code":"...","user_code":"729703","expires_in":300,"interval":2,
//	 "verification_uri":"https://...","verification_uri_complete":"https://..."}
//
// Webex wants no authentication here, other servers want that of the token
// endpoint. The error is always a *Failure.
func (c *Client) StartDevice(ctx context.Context, in *config.Integration) (Device, error) {
	d, ok := dialectOf(in.Kind)
	if !ok {
		return Device{}, kindless(in)
	}
	q := question{
		url:   in.DeviceAuthorizeURL,
		style: in.AuthStyle,
		// Some servers read the client from the form alone, as dex does.
		form: url.Values{"client_id": {in.ClientID}},
	}
	if len(in.Scopes) > 0 {
		q.form.Set("scope", strings.Join(in.Scopes, " "))
	}
	var started Device
	start := func(secret store.Secret) *Failure {
		r, failure := c.post(ctx, in, q, secret)
		switch {
		case failure != nil:
		case r.StatusCode >= 300 && r.StatusCode < 400:
			failure = redirected(r)
		case r.StatusCode >= 300:
			failure = refuse(r.Response, r.body, d, r.private)
		default:
			started, failure = readDevice(r)
		}
		return failure
	}
	var failure *Failure
	if in.Kind == config.Generic {
		failure = c.prove(in, start)
	} else {
		failure = start(store.Secret{})
	}
	if failure != nil {
		return Device{}, failure
	}
	return started, nil
}

// readDevice reads what starts a flow. verification_url is the name that Google
// and early drafts of the RFC have for verification_uri, and a user code may be a
// number. What is optional and of no use is left out.
func readDevice(r reply) (Device, *Failure) {
	o, _, _ := answer.Find(r.body.text)
	code, _ := answer.TokenOf(o.Raw("device_code"))
	d := Device{Code: store.NewSecret(code), Life: deviceLife, Interval: deviceInterval}
	userCode, _ := answer.TokenOf(o.Raw("user_code"))
	d.UserCode = scrubber{}.clean(strings.TrimSpace(userCode), maxName)
	d.URL = linkOf(o, "verification_uri", "verification_url")
	d.URLComplete = linkOf(o, "verification_uri_complete", "verification_url_complete")
	if d.URL == "" {
		d.URL = d.URLComplete
	}
	if seconds, ok := o.Number("expires_in"); ok && seconds >= 1 {
		d.Life = time.Duration(min(seconds, longestDeviceLife.Seconds()) * float64(time.Second))
	}
	if seconds, ok := o.Number("interval"); ok && seconds >= 1 {
		d.Interval = time.Duration(min(seconds, time.Minute.Seconds()) * float64(time.Second))
	}
	var lacks string
	switch {
	case len(o.Names()) == 0:
		lacks = outline(r.Response, r.body, r.private)
	case d.Code.Empty():
		lacks = "the answer has no device_code"
	case d.UserCode == "":
		lacks = "the answer has no user_code"
	case d.URL == "" && !o.Has("verification_uri") && !o.Has("verification_url"):
		lacks = "the answer has no verification_uri"
	case d.URL == "":
		lacks = "verification_uri is no address that a browser could open"
	default:
		return d, nil
	}
	f := answered(r.Response)
	f.Code, f.Description = "not_a_device_answer", lacks
	return Device{}, f
}

// linkOf returns the first of these members that is a link.
func linkOf(o answer.Object, names ...string) string {
	for _, name := range names {
		if text, _ := o.Text(name); isLink(strings.TrimSpace(text)) {
			return strings.TrimSpace(text)
		}
	}
	return ""
}

// isLink reports that a text is safe to be shown on a terminal and to be opened
// by the person's browser.
func isLink(text string) bool {
	u, err := url.Parse(text)
	return err == nil && !strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r > '~' }) && (u.Scheme == "https" || u.Scheme == "http") && u.Host != ""
}

// PollDevice asks whether the person has decided. The error is always a
// *Failure, whose Device method reports whether to ask again. Webex wants Basic
// authentication here, whatever is configured for refreshes.
func (c *Client) PollDevice(ctx context.Context, in *config.Integration, code store.Secret) (Answer, error) {
	d, ok := dialectOf(in.Kind)
	if !ok {
		return Answer{}, kindless(in)
	}
	style := config.Basic
	if in.Kind == config.Generic {
		style = in.AuthStyle
	}
	return c.ask(ctx, in, d, question{
		url:   cmp.Or(in.DeviceTokenURL, in.TokenURL),
		style: style,
		form: url.Values{
			"grant_type":  {"urn:ietf:params:oauth:grant-type:device_code"},
			"device_code": {code.Reveal()},
			"client_id":   {in.ClientID},
		},
		private: []store.Secret{code},
	})
}

// A DeviceState is the state of a device flow after a poll without tokens.
type DeviceState int

const (
	DeviceFailed   DeviceState = iota
	DevicePending              // ask again after the interval
	DeviceSlowDown             // ask again, with an interval longer by 5 s
	DeviceDenied               // the person declined
	DeviceExpired              // nobody decided in time
)

// Device reads a failed poll. RFC 8628 has codes for all of it; Webex answers
// 428 while the person is undecided and 429 to a poll that came early, with
// the codes of the RFC in its prose at best. What passes, as a gateway's 502
// or a lost connection, is no end: the poll can be repeated.
func (f *Failure) Device() DeviceState {
	said := func(code string) bool { return f.Code == code || strings.HasPrefix(f.Description, code) }
	switch {
	case said("slow_down"), f.Status == http.StatusTooManyRequests:
		return DeviceSlowDown
	case said("authorization_pending"), f.Status == http.StatusPreconditionRequired:
		return DevicePending
	case said("access_denied"):
		return DeviceDenied
	case said("expired_token"):
		return DeviceExpired
	case f.Status >= 500, !f.Answered && f.Kind == Transient:
		return DevicePending
	}
	return DeviceFailed
}
