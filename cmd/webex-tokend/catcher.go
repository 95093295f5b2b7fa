package main

import (
	"context"
	"fmt"
	"html"
	"io"
	"net"
	"net/http"
	"net/url"
	"sync"
	"time"

	"webex-tokend/daemon/wire"
)

// A catcher listens where a browser is sent back to after a consent, when the
// daemon itself does not. It takes one redirect; a second one, or a stranger's,
// is told that nobody waits.
type catcher struct {
	at     *url.URL
	server *http.Server
	caught chan string
	ended  chan struct{} // closed when the outcome stands
	once   sync.Once
	text   string // of the page, to be read after ended
}

// newCatcher listens on the host and port of a redirect URL, which must be a
// plain loopback one: what others could read is not for this.
func newCatcher(ctx context.Context, redirectURL string) (*catcher, error) {
	u, err := url.Parse(redirectURL)
	if err != nil || u.Scheme != "http" || !isLoopback(u.Hostname()) {
		return nil, fmt.Errorf("the redirect URL %s is not on this host", redirectURL)
	}
	address := u.Host
	if u.Port() == "" {
		address = net.JoinHostPort(u.Hostname(), "80")
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("cannot catch the redirect: %w", err)
	}
	c := &catcher{at: u, caught: make(chan string, 1), ended: make(chan struct{})}
	c.server = &http.Server{Handler: c, ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = c.server.Serve(listener) }() // until close
	return c, nil
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// wait hands the caught address to finish and shows the outcome in the browser.
func (c *catcher) wait(ctx context.Context, finish func(redirectURL string) (wire.Authorization, error)) (wire.Authorization, error) {
	select {
	case <-ctx.Done():
		return wire.Authorization{}, ctx.Err()
	case redirectURL := <-c.caught:
		a, err := finish(redirectURL)
		switch {
		case err != nil:
			c.text = "This did not work: " + err.Error() + "."
		case a.State != wire.Done:
			c.text = "This did not work: " + a.Error + "."
		default:
			c.text = "Grant " + a.Grant + " is authorized. You can close this window."
		}
		close(c.ended)
		return a, err
	}
}

// close lets the page under way be written.
func (c *catcher) close() {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	_ = c.server.Shutdown(ctx)
}

func (c *catcher) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	header := w.Header()
	header.Set("Cache-Control", "no-store")
	header.Set("Referrer-Policy", "no-referrer")
	header.Set("Content-Security-Policy", "default-src 'none'")
	header.Set("Content-Type", "text/html; charset=utf-8")
	path := c.at.Path
	if path == "" {
		path = "/"
	}
	if r.URL.Path != path || r.Host != c.at.Host {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	mine := false
	if r.URL.Query().Get("state") != "" {
		c.once.Do(func() { mine = true })
	}
	if !mine {
		page(w, "Nobody waits for this. Begin again with webex-tokend authorize.")
		return
	}
	redirect := *c.at
	redirect.RawQuery = r.URL.RawQuery
	c.caught <- redirect.String()
	select {
	case <-c.ended:
		page(w, c.text)
	case <-r.Context().Done():
	}
}

func page(w io.Writer, text string) {
	_, _ = fmt.Fprintf(w, "<!doctype html><meta name=viewport content=\"width=device-width\"><title>webex-tokend</title><p>%s</p>\n", html.EscapeString(text))
}
