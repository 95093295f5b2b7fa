package provider_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"webex-tokend/daemon/provider"
)

func TestACallerWhoLeavesBeforeThereIsAConnectionEndsTheRequest(t *testing.T) {
	ctx, leave := context.WithCancel(t.Context())
	done := make(chan struct{})
	defer close(done)
	c := client(t, provider.Config{Transport: by(&http.Transport{
		DialContext: func(context.Context, string, string) (net.Conn, error) {
			leave()
			<-done
			return nil, errors.New("nobody waits for this")
		},
	})})
	_, err := c.Refresh(ctx, integration(t, "http://127.0.0.1:1"), request())
	if f := failure(t, err); f.Code != "cancelled" || f.Sent || f.Kind != provider.Transient {
		t.Errorf("failure %+v", *f)
	}
}

func TestACallerWhoHasLeftSendsNothing(t *testing.T) {
	ctx, leave := context.WithCancel(t.Context())
	leave()
	e := serve(t, says(ok(good)))
	_, err := client(t, provider.Config{}).Refresh(ctx, integration(t, e.url), request())
	if f := failure(t, err); f.Code != "cancelled" || f.Sent || e.connections() != 0 {
		t.Errorf("failure %+v after %d connections", *f, e.connections())
	}
}

// TestNoByteGoesOutOnceTheCallerHasLeft puts the departure of the caller into
// the narrowest place: a connection is there, the body is about to be read.
func TestNoByteGoesOutOnceTheCallerHasLeft(t *testing.T) {
	ctx, leave := context.WithCancel(t.Context())
	c := client(t, provider.Config{Transport: by(roundTrip(func(req *http.Request) (*http.Response, error) {
		leave()
		<-req.Context().Done()
		if text, err := io.ReadAll(req.Body); err == nil || len(text) > 0 {
			t.Errorf("the body gave out %d bytes", len(text))
		}
		return nil, req.Context().Err()
	}))})
	_, err := c.Refresh(ctx, integration(t, "http://127.0.0.1"), request())
	if f := failure(t, err); f.Code != "cancelled" || f.Sent {
		t.Errorf("failure %+v", *f)
	}
}

func TestACallerWhoLeavesDuringTheExchangeLosesNoAnswer(t *testing.T) {
	ctx, leave := context.WithCancel(t.Context())
	e := serve(t, func(conn net.Conn) {
		leave()
		says(ok(good))(conn)
	})
	a, err := client(t, provider.Config{}).Refresh(ctx, integration(t, e.url), request())
	if err != nil || a.Refresh.Reveal() != "new-refresh" {
		t.Errorf("refresh token %q (%v)", a.Refresh.Reveal(), err)
	}
}

// TestAnOrdinaryClientWouldLoseThatAnswer is the control of the test above.
func TestAnOrdinaryClientWouldLoseThatAnswer(t *testing.T) {
	ctx, leave := context.WithCancel(t.Context())
	gone := make(chan struct{})
	e := serve(t, func(conn net.Conn) {
		leave()
		<-gone
		says(ok(good))(conn)
	})
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, e.url, strings.NewReader("grant_type=refresh_token"))
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultTransport.RoundTrip(req)
	close(gone)
	if err == nil {
		resp.Body.Close()
		t.Error("the answer arrived: the harness does not cancel")
	}
}

func TestARequestThatWasReadAndThenFailedCountsAsSent(t *testing.T) {
	c := client(t, provider.Config{Transport: by(roundTrip(func(req *http.Request) (*http.Response, error) {
		_, _ = io.ReadAll(req.Body)
		return nil, io.ErrUnexpectedEOF
	}))})
	_, err := c.Refresh(t.Context(), integration(t, "http://127.0.0.1"), request())
	if f := failure(t, err); !f.Sent || f.Answered || f.Code != "connection_lost" {
		t.Errorf("failure %+v", *f)
	}
}

// A flakyConn accepts one request, which is a header and a body; every later
// Write fails before its first byte.
type flakyConn struct {
	net.Conn
	mu     sync.Mutex
	writes int
}

func (c *flakyConn) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.writes++; c.writes > 2 {
		return 0, net.ErrClosed
	}
	return c.Conn.Write(p)
}

// TestAConnectionThatTurnsOutClosedIsReplaced covers what net/http repeats:
// requests of which nothing was written.
func TestAConnectionThatTurnsOutClosedIsReplaced(t *testing.T) {
	mux := http.NewServeMux()
	var seen int
	mux.HandleFunc("POST /", func(w http.ResponseWriter, r *http.Request) {
		seen++ // requests follow one another
		if r.FormValue("refresh_token") != refreshToken {
			t.Errorf("request %d has form %v", seen, r.Form)
		}
		_, _ = io.WriteString(w, good)
	})
	url := httpServer(t, mux)
	var refuse bool
	transport := &http.Transport{DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
		if refuse {
			return nil, &net.OpError{Op: "dial", Net: network, Err: errors.New("refused")}
		}
		conn, err := (&net.Dialer{}).DialContext(ctx, network, addr)
		return &flakyConn{Conn: conn}, err
	}}
	t.Cleanup(transport.CloseIdleConnections)
	c := client(t, provider.Config{Transport: by(transport)})
	for range 3 {
		if _, err := c.Refresh(t.Context(), integration(t, url), request()); err != nil {
			t.Fatal(err)
		}
	}
	if seen != 3 {
		t.Errorf("three refreshes made %d requests", seen)
	}
	refuse = true
	_, err := c.Refresh(t.Context(), integration(t, url), request())
	if f := failure(t, err); f.Sent || f.Code != "connect_failed" || seen != 3 {
		t.Errorf("with nothing written: %+v after %d requests", *f, seen)
	}
}

func TestAnEndpointThatIsNotThereIsToldFromALostAnswer(t *testing.T) {
	table := []struct {
		name, url, code string
		kind            provider.Kind
	}{
		{"nobody listens", "http://" + unheard(t), "connect_failed", provider.Transient},
		{"no such host", "http://no-such-host.invalid/", "dns_failed", provider.Transient},
		{"no URL", "http://[::1", "token_url_invalid", provider.Misconfigured},
	}
	for _, row := range table {
		t.Run(row.name, func(t *testing.T) {
			_, err := client(t, provider.Config{}).Refresh(t.Context(), integration(t, row.url), request())
			if f := failure(t, err); f.Code != row.code || f.Kind != row.kind || f.Sent || f.Answered {
				t.Errorf("failure %+v", *f)
			}
		})
	}
}

// unheard returns an address that nobody listens on, nor can while the test runs.
func unheard(t *testing.T) string {
	t.Helper()
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = syscall.Close(fd) })
	if err := syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
	bound, err := syscall.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprint("127.0.0.1:", bound.(*syscall.SockaddrInet4).Port)
}

func TestAConnectionThatNeverComesAboutTimesOutUnsent(t *testing.T) {
	c := client(t, provider.Config{
		Limits: provider.Limits{Total: 50 * time.Millisecond},
		Transport: by(roundTrip(func(req *http.Request) (*http.Response, error) {
			<-req.Context().Done()
			return nil, context.Cause(req.Context())
		})),
	})
	_, err := c.Refresh(t.Context(), integration(t, "http://127.0.0.1"), request())
	if f := failure(t, err); f.Code != "timeout" || f.Sent {
		t.Errorf("failure %+v", *f)
	}
}
