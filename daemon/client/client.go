// Package client speaks to the daemon over its unix socket.
//
// Nearly every method is one request. An answer that is not a success comes
// back as a *Problem; a daemon that is not there as ErrUnreachable. Nothing is
// sent twice, nothing is kept between calls but idle connections. What stays
// is made of these: Watch follows a grant through restarts of the daemon, and
// TokenSource keeps a token for programs that know golang.org/x/oauth2.
package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"strings"
	"syscall"
	"time"
)

// DefaultSocket is the path on which the packaged unit lets the daemon listen.
const DefaultSocket = "/run/webex-tokend/api.sock"

// How long the beginning of an answer is waited for. The daemon answers within
// 35 s where a refresh may be waited for; what goes through the whole store, or
// asks an endpoint more than once, may take minutes.
const (
	longestAnswer = 40 * time.Second
	longestWork   = 10 * time.Minute
)

// longestPath is the size of sockaddr_un on Linux without the final NUL.
const longestPath = 107

// A Config says where the daemon is.
type Config struct {
	// Socket is the path of its unix socket; empty means DefaultSocket.
	Socket string
}

// A Client is safe for concurrent use.
type Client struct {
	http *http.Client
	work *http.Client // the same for what takes longer
}

// New connects to nothing yet.
func New(cfg Config) *Client {
	socket := cfg.Socket
	if socket == "" {
		socket = DefaultSocket
	}
	return &Client{http: newHTTP(socket, longestAnswer), work: newHTTP(socket, longestWork)}
}

func newHTTP(socket string, longest time.Duration) *http.Client {
	return &http.Client{
		Transport: &http.Transport{
			DialContext:           func(ctx context.Context, _, _ string) (net.Conn, error) { return dial(ctx, socket) },
			DisableCompression:    true,
			MaxIdleConnsPerHost:   64,
			IdleConnTimeout:       time.Minute,
			ResponseHeaderTimeout: longest,
		},
		// The daemon redirects nowhere.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// Close closes idle connections. Requests under way are not affected.
func (c *Client) Close() {
	c.http.CloseIdleConnections()
	c.work.CloseIdleConnections()
}

// ErrUnreachable: nobody answers on the socket, or there is no socket. Being
// kept out by its mode is fs.ErrPermission instead.
var ErrUnreachable = errors.New("daemon is not reachable")

func dial(ctx context.Context, socket string) (net.Conn, error) {
	conn, err := new(net.Dialer).DialContext(ctx, "unix", socket)
	if err == nil {
		return conn, nil
	}
	// The path is said once, by us, and "connect" goes without saying.
	cause := err
	if number, ok := errors.AsType[syscall.Errno](err); ok {
		cause = number
	}
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case len(socket) > longestPath:
		cause = fmt.Errorf("a socket's path has at most %d bytes", longestPath)
	case errors.Is(err, fs.ErrPermission):
		return nil, fmt.Errorf("connect to %s: %w", socket, cause)
	}
	return nil, fmt.Errorf("%w on %s: %w", ErrUnreachable, socket, cause)
}

// A call is one request to come.
type call struct {
	method string
	path   string
	query  url.Values
	accept string // empty: application/json
	kind   string // content type of the body
	body   io.Reader
	header http.Header
	work   bool // takes longer than a refresh
}

// grantPath escapes what no valid name has, so that an invalid one reaches the
// daemon's refusal and not another route: dots alone would lead up the path.
func grantPath(name string, more ...string) string {
	escaped := url.PathEscape(name)
	if strings.Trim(name, ".") == "" {
		escaped = strings.ReplaceAll(name, ".", "%2E")
	}
	return "/v1/grants/" + escaped + strings.Join(append([]string{""}, more...), "/")
}

// send returns a success, whose body the caller closes, or an error.
func (c *Client) send(ctx context.Context, what call) (*http.Response, error) {
	target := "http://webex-tokend" + what.path
	if len(what.query) > 0 {
		target += "?" + what.query.Encode()
	}
	req, err := http.NewRequestWithContext(ctx, what.method, target, what.body)
	if err != nil {
		return nil, fmt.Errorf("make request: %w", err)
	}
	if what.header != nil {
		req.Header = what.header
	}
	accept := what.accept
	if accept == "" {
		accept = "application/json"
	}
	req.Header.Set("Accept", accept)
	if what.kind != "" {
		req.Header.Set("Content-Type", what.kind)
	}
	through := c.http
	if what.work {
		through = c.work
	}
	resp, err := through.Do(req)
	if err != nil {
		if u, ok := errors.AsType[*url.Error](err); ok {
			err = u.Err // the made-up host in its URL would only puzzle
		}
		return nil, broken(ctx, what, err)
	}
	if resp.StatusCode/100 != 2 {
		defer resp.Body.Close()
		return nil, problemOf(resp)
	}
	return resp, nil
}

// do sends and decodes the answer into out; nil drops it.
func (c *Client) do(ctx context.Context, what call, out any) error {
	resp, err := c.send(ctx, what)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if out == nil {
		return nil
	}
	if err := json.NewDecoder(resp.Body).Decode(out); err != nil {
		return fmt.Errorf("read answer of %s %s: %w", what.method, what.path, broken(ctx, what, err))
	}
	// What follows the value is a newline; reading it to the end lets the
	// connection serve again.
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 64))
	return nil
}
