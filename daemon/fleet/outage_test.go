package fleet_test

import (
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"webex-tokend/daemon/emulator"
	"webex-tokend/store/storetest"
)

// quick declares grants whose tokens live for seconds.
const quick = `
integration "quick" {
  kind               = "meetings"
  client_id          = %q
  client_secret_file = %q
  token_url          = "https://webex.test/v1/oauth2/token"
  min_interval       = "1s"
}
grant "quick-*" {
  integration = "quick"
}
`

// An outage is a server that answers nothing but a status, or no connection.
type outage struct {
	http.RoundTripper
	webex  *emulator.Emulator
	status int // 0: no connection comes about
	away   bool
}

func (o *outage) set(away bool) {
	if o.status == 0 {
		o.webex.Down(away)
		return
	}
	o.away = away
}

func (o *outage) RoundTrip(req *http.Request) (*http.Response, error) {
	if !o.away {
		return o.RoundTripper.RoundTrip(req)
	}
	if _, err := io.Copy(io.Discard, req.Body); err != nil {
		return nil, err
	}
	return &http.Response{StatusCode: o.status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader("")), Request: req}, nil
}

// After an outage each grant waited for the end of a pause of its own, of up to ten
// minutes, with no token that lived.
func TestAfterAnOutageGrantsWithoutALiveTokenAreTriedAtOnce(t *testing.T) {
	for _, c := range []struct {
		grants int
		status int
		lasts  time.Duration
		within time.Duration
	}{
		{60, 0, 35 * time.Second, 5 * time.Second},
		{60, 503, 35 * time.Second, 5 * time.Second},
		{60, 0, 5 * time.Minute, 21 * time.Second},
		{3, 503, 35 * time.Second, 5 * time.Second},
		{1, 0, 35 * time.Second, 5 * time.Second},
	} {
		t.Run(fmt.Sprintf("%d grants, %v of %d", c.grants, c.lasts, c.status), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				cfg := calm
				cfg.AccessLife = 12 * time.Second
				o := &outage{webex: emulator.New(cfg), status: c.status}
				h := &host{t: t, dir: t.TempDir(), webex: o.webex, memory: new(storetest.Memory), quiet: true,
					transport: func(inner http.RoundTripper) http.RoundTripper { o.RoundTripper = inner; return o }}
				h.configure(fmt.Sprintf(quick, h.webex.Client(emulator.Meetings).ID, filepath.Join(h.dir, "meetings.secret")))
				h.start()
				defer h.stop()
				synctest.Wait()
				for i := range c.grants {
					h.register(fmt.Sprintf("quick-%d", i), emulator.Meetings)
				}
				h.live(20*time.Second, time.Second)
				if n := h.dead(c.grants); n > 0 {
					t.Fatalf("%d of %d grants have no live token before the outage", n, c.grants)
				}
				o.set(true)
				h.live(c.lasts, time.Second)
				if n := h.dead(c.grants); n != c.grants {
					t.Fatalf("%d of %d grants have no live token at the end of the outage", n, c.grants)
				}
				o.set(false)
				h.live(c.within, time.Second)
				if n := h.dead(c.grants); n > 0 {
					t.Errorf("%d of %d grants have no live token %v after the outage", n, c.grants, c.within)
				}
			})
		})
	}
}

// dead counts the grants under quick without a live token.
func (h *host) dead(grants int) (n int) {
	for i := range grants {
		if g := h.grant(fmt.Sprintf("quick-%d", i)); time.Until(*g.AccessExpiresAt) <= 0 {
			n++
		}
	}
	return n
}
