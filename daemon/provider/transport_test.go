package provider_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"webex-tokend/daemon/provider"
)

// httpServer is a server that keeps to the rules.
func httpServer(t testing.TB, h http.Handler) (url string) {
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s.URL
}

func answersGood(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, good) }

// A certificate for the server at 127.0.0.1 that signs itself, unless changed.
func certificate(t *testing.T, change func(*x509.Certificate)) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	if change != nil {
		change(template)
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

func tlsServer(t *testing.T, cfg *tls.Config, h http.HandlerFunc) (url string) {
	s := httptest.NewUnstartedServer(h)
	s.TLS = cfg
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.StartTLS()
	t.Cleanup(s.Close)
	return s.URL
}

func writeCA(t *testing.T, path string, cert tls.Certificate) {
	t.Helper()
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Certificate[0]})
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestSecretsGoOverVerifiedTLSAlone(t *testing.T) {
	sound := certificate(t, nil)
	table := []struct {
		name string
		cert tls.Certificate
		max  uint16
		ca   *tls.Certificate // nil: the server's own
		want bool
	}{
		{"a certificate of the CA file", sound, 0, nil, true},
		{"a certificate of nobody we know", certificate(t, nil), 0, &sound, false},
		{"an expired certificate", certificate(t, func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Minute) }), 0, nil, false},
		{"a certificate of tomorrow", certificate(t, func(c *x509.Certificate) { c.NotBefore = time.Now().Add(30 * time.Minute) }), 0, nil, false},
		{"a certificate for another host", certificate(t, func(c *x509.Certificate) { c.IPAddresses = nil; c.DNSNames = []string{"example.com"} }), 0, nil, false},
		{"TLS 1.1", sound, tls.VersionTLS11, nil, false},
		{"TLS 1.2", sound, tls.VersionTLS12, nil, true},
	}
	for _, row := range table {
		t.Run(row.name, func(t *testing.T) {
			var requests atomic.Int32
			url := tlsServer(t, &tls.Config{Certificates: []tls.Certificate{row.cert}, MaxVersion: row.max, MinVersion: tls.VersionTLS10, NextProtos: []string{"h2", "http/1.1"}},
				func(w http.ResponseWriter, r *http.Request) {
					requests.Add(1)
					if r.ProtoMajor != 1 {
						t.Errorf("spoken to in %s", r.Proto)
					}
					answersGood(w, r)
				})
			in := integration(t, url)
			in.CAFile = filepath.Join(t.TempDir(), "ca.pem")
			if row.ca == nil {
				row.ca = &row.cert
			}
			writeCA(t, in.CAFile, *row.ca)
			_, err := client(t, provider.Config{}).Refresh(t.Context(), in, request())
			if row.want {
				if err != nil {
					t.Error(err)
				}
				return
			}
			if f := failure(t, err); f.Code != "tls_failed" || f.Kind != provider.Transient || f.Sent || requests.Load() != 0 {
				t.Errorf("failure %+v after %d requests", *f, requests.Load())
			}
		})
	}
}

func TestPlainHTTPBehindAnHTTPSURLIsATLSFailure(t *testing.T) {
	url := strings.Replace(httpServer(t, http.HandlerFunc(answersGood)), "http:", "https:", 1)
	_, err := client(t, provider.Config{}).Refresh(t.Context(), integration(t, url), request())
	if f := failure(t, err); f.Code != "tls_failed" || f.Sent {
		t.Errorf("failure %+v", *f)
	}
}

func TestACAFileThatChangesIsReadAgain(t *testing.T) {
	cert := certificate(t, nil)
	in := integration(t, tlsServer(t, &tls.Config{Certificates: []tls.Certificate{cert}}, answersGood))
	dir := t.TempDir()
	in.CAFile = filepath.Join(dir, "ca.pem")
	c := client(t, provider.Config{})
	steps := []struct {
		name   string
		change func()
		code   string
	}{
		{"absent", func() {}, "transport_unusable"},
		{"of another authority", func() { writeCA(t, in.CAFile, certificate(t, nil)) }, "tls_failed"},
		{"replaced by the right one", func() {
			writeCA(t, filepath.Join(dir, "new"), cert)
			if err := os.Rename(filepath.Join(dir, "new"), in.CAFile); err != nil {
				t.Fatal(err)
			}
		}, ""},
		{"unchanged", func() {}, ""},
		{"emptied", func() {
			if err := os.WriteFile(in.CAFile, nil, 0o600); err != nil {
				t.Fatal(err)
			}
		}, "transport_unusable"},
	}
	for _, step := range steps {
		step.change()
		_, err := c.Refresh(t.Context(), in, request())
		switch {
		case step.code == "" && err != nil:
			t.Errorf("CA file %s: %v", step.name, err)
		case step.code != "":
			if f := failure(t, err); f.Code != step.code || f.Sent {
				t.Errorf("CA file %s: %+v", step.name, *f)
			}
		}
	}
}

func TestAProxyIsUsedWhenOneIsNamed(t *testing.T) {
	var asked atomic.Value
	proxy := httpServer(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Store(r.Method + " " + r.RequestURI)
		if r.Method == http.MethodConnect {
			http.Error(w, "no", http.StatusProxyAuthRequired)
			return
		}
		answersGood(w, r)
	}))
	table := []struct {
		name, url, asked, code string
	}{
		{"for http it carries the request", "http://endpoint.example/token", "POST http://endpoint.example/token", ""},
		{"for https it sees no request", "https://endpoint.example/token", "CONNECT endpoint.example:443", "proxy_refused"},
	}
	for _, row := range table {
		t.Run(row.name, func(t *testing.T) {
			in := integration(t, row.url)
			in.ProxyURL = strings.Replace(proxy, "//", "//user:canary-proxy-password@", 1)
			_, err := client(t, provider.Config{}).Refresh(t.Context(), in, request())
			if got := asked.Load(); got != row.asked {
				t.Errorf("the proxy was asked %q, want %q", got, row.asked)
			}
			if row.code == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			if f := failure(t, err); f.Code != row.code || f.Sent || strings.Contains(f.Error(), "canary") {
				t.Errorf("failure %+v", *f)
			}
		})
	}
}

func TestAProxyURLThatIsNoneIsNotQuoted(t *testing.T) {
	in := integration(t, "http://127.0.0.1")
	in.ProxyURL = "http://user:canary@[::1"
	_, err := client(t, provider.Config{}).Refresh(t.Context(), in, request())
	if f := failure(t, err); f.Kind != provider.Misconfigured || strings.Contains(f.Error(), "canary") {
		t.Errorf("failure %+v", *f)
	}
}

func TestOneConnectionServesManyRequests(t *testing.T) {
	var conns atomic.Int32
	replies := []struct {
		status int
		body   string
	}{{200, good}, {400, `{"error":"invalid_grant"}`}, {429, ``}, {500, strings.Repeat("x", 30<<10)}, {307, "moved"}}
	n := 0
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		reply := replies[n%len(replies)] // requests follow one another
		n++
		w.WriteHeader(reply.status)
		_, _ = io.WriteString(w, reply.body)
	}))
	s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			conns.Add(1)
		}
	}
	s.Start()
	t.Cleanup(s.Close)
	c := client(t, provider.Config{})
	in := integration(t, s.URL)
	for range 3 * len(replies) {
		_, _ = c.Refresh(t.Context(), in, request())
	}
	if got := conns.Load(); got != 1 || n != 3*len(replies) {
		t.Errorf("%d requests took %d connections", n, got)
	}
}

func TestACloseLeavesNoGoroutineBehind(t *testing.T) {
	before := goleak.IgnoreCurrent()
	s := httptest.NewServer(http.HandlerFunc(answersGood))
	c := provider.New(provider.Config{})
	if _, err := c.Refresh(t.Context(), integration(t, s.URL), request()); err != nil {
		t.Fatal(err)
	}
	if goleak.Find(before) == nil {
		t.Error("no connection was kept: the test proves nothing")
	}
	c.Close()
	s.Close()
	goleak.VerifyNone(t, before)
}
