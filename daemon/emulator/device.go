package emulator

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// The figures of Webex's device flow.
const (
	deviceLife     = 300 * time.Second
	deviceInterval = 2 * time.Second
	// slowDown is what RFC 8628 adds to the interval with each slow_down.
	slowDown = 5 * time.Second
)

type deviceState int

const (
	devicePending deviceState = iota
	deviceApproved
	deviceDenied
)

// A deviceRequest waits for a person to enter its code.
type deviceRequest struct {
	device   string
	user     string // six digits
	link     string // stands in the complete link instead of the digits
	client   *registration
	scopes   []string
	state    deviceState
	email    string
	interval time.Duration
	polled   int64
	end      int64
}

type deviceAnswer struct {
	Device   string `json:"device_code"`
	Life     int64  `json:"expires_in"` // s
	User     string `json:"user_code"`
	Verify   string `json:"verification_uri"`
	Complete string `json:"verification_uri_complete"`
	Interval int64  `json:"interval"` // s
}

// devices are the flows that wait for a person. The lock of the issuer guards
// them.
type devices struct {
	issuer  *issuer
	pages   *pages
	waiting map[string]*deviceRequest // by device code
}

// serveDevice starts a device flow. It asks for no authentication.
func (f *devices) serveDevice(w http.ResponseWriter, r *http.Request) {
	client := f.issuer.client(r.PostFormValue("client_id"))
	scopes := strings.Fields(r.PostFormValue("scope"))
	refused := checkDevice(client, scopes)
	if refused != nil {
		f.issuer.refuse(w, Gateway, refused) // the one that was seen had this shape
		return
	}
	d := f.openDevice(client, scopes)
	verify := f.issuer.cfg.base(r) + VerifyPath
	answer(w, http.StatusOK, deviceAnswer{
		Device:   d.device,
		Life:     int64(deviceLife / time.Second),
		User:     d.user,
		Verify:   verify,
		Complete: verify + "?" + url.Values{"userCode": {d.link}}.Encode(),
		Interval: int64(deviceInterval / time.Second),
	})
}

func checkDevice(client *registration, scopes []string) *refusal {
	openID := func(s string) bool { return slices.Contains([]string{"openid", "email", "profile"}, s) }
	switch {
	case client == nil:
		return &refusal{code: "invalid_client", text: "Client Id is invalid"}
	case !client.usesDevices():
		return &refusal{code: "invalid_request", text: "The redirect_uri of the device helper is not registered for this client"}
	case len(scopes) == 0 || slices.ContainsFunc(scopes, openID):
		return &refusal{code: "invalid_scope", text: "The requested scope is invalid, unknown, or malformed"}
	case slices.ContainsFunc(scopes, func(s string) bool { return !slices.Contains(client.Scopes, s) }):
		return &refusal{code: "invalid_scope", text: "The requested scope is invalid, unknown, or malformed"}
	}
	return nil
}

// openDevice enters a flow under fresh codes and drops those that are over. A
// code that has ended is remembered for a while, to be told from an unknown one.
func (f *devices) openDevice(client *registration, scopes []string) deviceRequest {
	f.issuer.mu.Lock()
	defer f.issuer.mu.Unlock()
	now := f.issuer.now()
	for key, d := range f.waiting {
		if now >= d.end+deviceLife.Milliseconds() {
			delete(f.waiting, key)
		}
	}
	d := &deviceRequest{
		device:   uuid(f.issuer.random(32)),
		user:     fmt.Sprintf("%06d", f.issuer.rng.IntN(1_000_000)),
		link:     f.issuer.random(32),
		client:   client,
		scopes:   scopes,
		interval: deviceInterval,
		end:      now + deviceLife.Milliseconds(),
	}
	f.waiting[d.device] = d
	return *d
}

// serveDeviceToken is what a device polls. It wants Basic authentication.
func (f *devices) serveDeviceToken(w http.ResponseWriter, r *http.Request) {
	body, refused := f.pollDevice(r)
	if refused != nil {
		if refused.status == http.StatusTooManyRequests && f.issuer.cfg.Errors == Gateway {
			w.Header().Set("Retry-After", "5")
		}
		f.issuer.refuse(w, f.issuer.cfg.Errors, refused)
		return
	}
	answerJSON(w, http.StatusOK, body)
}

func (f *devices) pollDevice(r *http.Request) ([]byte, *refusal) {
	if err := r.ParseForm(); err != nil {
		return nil, &refusal{code: "invalid_request", text: "The form cannot be read"}
	}
	id, secret, basic := r.BasicAuth()
	if !basic {
		return nil, &refusal{status: http.StatusUnauthorized, code: "invalid_client", text: "Basic authentication is required"}
	}
	client, refused := f.issuer.identify(id, secret)
	if refused != nil {
		return nil, refused
	}
	if r.PostForm.Get("grant_type") != "urn:ietf:params:oauth:grant-type:device_code" {
		return nil, &refusal{code: "unsupported_grant_type", text: "The grant type is not supported"}
	}
	f.issuer.mu.Lock()
	defer f.issuer.mu.Unlock()
	now := f.issuer.now()
	d := f.waiting[r.PostForm.Get("device_code")]
	if refused := f.judgePoll(d, client, now); refused != nil {
		return nil, refused
	}
	delete(f.waiting, d.device)
	grant, refused := f.issuer.consent(opening{
		client:        client,
		account:       f.issuer.accountOf(d.email),
		scope:         strings.Join(d.scopes, " "),
		selfContained: r.PostForm.Get("self_contained_token") == "true",
	}, now)
	if refused != nil {
		return nil, refused
	}
	return f.issuer.response(grant, now, true), nil
}

// judgePoll says whether the device may have its token now. Polls that come
// early cost 5 s each; a tenth of the interval is forgiven, as clients' timers
// are no better than ours. Webex documents 428 for a pending code and lists
// authorization_pending and slow_down among the names that come with 400, so
// each shape has its own way. The lock of the issuer is held.
func (f *devices) judgePoll(d *deviceRequest, client *registration, now int64) *refusal {
	switch {
	case d == nil || d.client != client:
		return &refusal{code: "invalid_grant", text: "invalid_grant: the device code is not known"}
	case now >= d.end:
		return &refusal{code: "expired_token", text: "expired_token: the device code has expired"}
	case d.state == deviceDenied:
		return &refusal{code: "access_denied", text: "access_denied: the person declined"}
	case d.state == deviceApproved:
		return nil
	}
	early := d.polled != 0 && now-d.polled < (d.interval*9/10).Milliseconds()
	d.polled = now
	if early {
		d.interval += slowDown
		return &refusal{status: http.StatusTooManyRequests, code: "slow_down", text: "slow_down: polled before the interval was over"}
	}
	return &refusal{status: http.StatusPreconditionRequired, code: "authorization_pending", text: "authorization_pending: nobody has entered the code yet"}
}
