package provider_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"webex-tokend/daemon/config"
	"webex-tokend/daemon/provider"
	"webex-tokend/store"
)

// What is private in these tests. No error, note or description may have it.
const (
	clientSecret = "canary-client-secret+/="
	refreshToken = "canary-refresh-token"
	verifier     = "canary-code-verifier"
)

func request() provider.Request {
	return provider.Request{Token: store.NewSecret(refreshToken),
		RedirectURI: "http://127.0.0.1/oauth", CodeVerifier: store.NewSecret(verifier)}
}

// integration is a REST integration with its one secret in a file.
func integration(t testing.TB, url string) *config.Integration {
	return &config.Integration{
		Name: "crm", Kind: config.REST, ClientID: "C0ffee", TokenURL: url, APIURL: url + "/v1",
		AuthStyle: config.InBody, Secrets: []config.SecretFile{secretFile(t, clientSecret)},
	}
}

func secretFile(t testing.TB, text string) config.SecretFile {
	path := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(path, []byte(text+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return config.SecretFile{Path: path}
}

func client(t testing.TB, cfg provider.Config) *provider.Client {
	c := provider.New(cfg)
	t.Cleanup(c.Close)
	return c
}

// failure insists that an error is a *Failure.
func failure(t testing.TB, err error) *provider.Failure {
	t.Helper()
	f, ok := errors.AsType[*provider.Failure](err)
	if !ok {
		t.Fatalf("error is %T (%v), want *provider.Failure", err, err)
	}
	return f
}

// checkPrivacy looks for our secrets in every way an outcome can be printed.
func checkPrivacy(t testing.TB, a provider.Answer, err error) {
	t.Helper()
	text := fmt.Sprintf("%v %+v %#v %v", err, err, a, a.Notes)
	if f, ok := errors.AsType[*provider.Failure](err); ok {
		text += fmt.Sprintf("%#v", *f)
	}
	for _, secret := range []string{clientSecret, refreshToken, verifier, "canary-client-secret%2B%2F%3D"} {
		if strings.Contains(text, secret) {
			t.Errorf("%q stands in %s", secret, text)
		}
	}
}

// An endpoint speaks HTTP by hand on loopback, so that it can break every rule.
type endpoint struct {
	url string

	mu     sync.Mutex
	conns  int
	bodies []string
}

// serve answers every request by script, which owns the connection until it
// returns; the request has been read by then.
func serve(t testing.TB, script func(net.Conn)) *endpoint {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	e := &endpoint{url: "http://" + l.Addr().String()}
	var serving sync.WaitGroup
	t.Cleanup(func() { l.Close(); serving.Wait() })
	serving.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			serving.Go(func() {
				defer conn.Close()
				e.count()
				e.record(conn, script)
			})
		}
	})
	return e
}

func (e *endpoint) count() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.conns++
}

// record notes the body of one request and plays the script.
func (e *endpoint) record(conn net.Conn, script func(net.Conn)) {
	req, err := http.ReadRequest(bufio.NewReader(conn))
	if err != nil {
		return
	}
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return
	}
	e.mu.Lock()
	e.bodies = append(e.bodies, string(body))
	e.mu.Unlock()
	script(conn)
}

func (e *endpoint) requests() []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.bodies
}

func (e *endpoint) connections() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.conns
}

// says is the script that writes a text and hangs up.
func says(text string) func(net.Conn) {
	return func(conn net.Conn) { _, _ = io.WriteString(conn, text) }
}

// response is a sound HTTP response with this status line rest, header lines
// (each ending in CRLF) and body.
func response(status, header, body string) string {
	return fmt.Sprintf("HTTP/1.1 %s\r\n%sContent-Length: %d\r\nConnection: close\r\n\r\n%s", status, header, len(body), body)
}

func ok(body string) string { return response("200 OK", "Content-Type: application/json\r\n", body) }

// roundTrip lets a function stand for the network.
type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

// by makes every integration use one transport.
func by(rt http.RoundTripper) func(*config.Integration) (http.RoundTripper, error) {
	return func(*config.Integration) (http.RoundTripper, error) { return rt, nil }
}

// respond answers without a network, having read the request as a server does.
func respond(status int, header http.Header, body string) roundTrip {
	return func(req *http.Request) (*http.Response, error) {
		if req.Body != nil {
			if _, err := io.ReadAll(req.Body); err != nil {
				return nil, err
			}
		}
		if header == nil {
			header = http.Header{}
		}
		return &http.Response{StatusCode: status, Header: header, Body: io.NopCloser(strings.NewReader(body))}, nil
	}
}
