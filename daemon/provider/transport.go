package provider

import (
	"cmp"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"

	"webex-tokend/daemon/config"
	"webex-tokend/daemon/disk"
)

const (
	// maxIdlePerHost keeps the connections of a storm of refreshes; a TLS
	// handshake costs twelve times as much as a request.
	maxIdlePerHost = 256
	// maxIdleTime is shorter than the keep-alive of common servers, so that it
	// is seldom they who close while we write: that would leave an outcome unknown.
	maxIdleTime = 20 * time.Second
	// unusedTime after which the connections of a route are given up.
	unusedTime = 10 * time.Minute
)

// transports holds one pool of connections per route.
type transports struct {
	limits Limits
	calls  disk.Calls // about the files of routes

	mu    sync.Mutex
	pools map[route]*pool
}

// A route tells connections to one host apart.
type route struct {
	proxyURL    string
	credentials string // the file of the proxy's
	caFile      string
}

type pool struct {
	*http.Transport
	made look
	used time.Time
}

// A look is how the files of a route were when they were last looked at; nil
// for those that it has not.
type look struct{ credentials, ca os.FileInfo }

func (r route) look() (l look, err error) {
	if r.credentials != "" {
		if l.credentials, err = os.Stat(r.credentials); err != nil {
			return l, fmt.Errorf("read credentials of the proxy: %w", err)
		}
	}
	if r.caFile != "" {
		if l.ca, err = os.Stat(r.caFile); err != nil {
			return l, fmt.Errorf("read CA file: %w", err)
		}
	}
	return l, nil
}

func (l look) same(other look) bool {
	return sameFile(l.credentials, other.credentials) && sameFile(l.ca, other.ca)
}

func sameFile(a, b os.FileInfo) bool {
	if a == nil || b == nil {
		return a == nil && b == nil
	}
	return os.SameFile(a, b) && a.Size() == b.Size() && a.ModTime().Equal(b.ModTime())
}

// of returns the transport for an integration. Its files are read again once
// they have changed; connections made under the old ones end with their request.
func (t *transports) of(in *config.Integration) (http.RoundTripper, error) {
	r := route{in.ProxyURL, in.ProxyCredentials.Path, in.CAFile}
	// Where no file is named, nothing that may hang is called.
	folder := filepath.Dir(cmp.Or(r.caFile, r.credentials))
	now, err := disk.Do(&t.calls, folder, r.look)
	if err != nil {
		return nil, err
	}
	t.mu.Lock()
	p := t.pools[r]
	if p != nil && p.made.same(now) {
		p.used = time.Now()
		t.mu.Unlock()
		return p.Transport, nil
	}
	t.mu.Unlock()

	fresh, err := disk.Do(&t.calls, folder, func() (*http.Transport, error) { return t.dial(r) })
	if err != nil {
		return nil, err
	}
	t.replace(r, &pool{Transport: fresh, made: now, used: time.Now()})
	return fresh, nil
}

// replace puts a pool in place. A new one follows a reload or a new CA file,
// which is when others fall out of use; so this is the time to look for them.
func (t *transports) replace(r route, p *pool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if old := t.pools[r]; old != nil {
		old.CloseIdleConnections()
	}
	t.pools[r] = p
	for r, other := range t.pools {
		if p.used.Sub(other.used) > unusedTime {
			other.CloseIdleConnections()
			delete(t.pools, r)
		}
	}
}

func (t *transports) closeIdle() {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, p := range t.pools {
		p.CloseIdleConnections()
	}
}

func (t *transports) dial(r route) (*http.Transport, error) {
	roots, err := readRoots(r.caFile)
	if err != nil {
		return nil, err
	}
	proxy, err := r.proxy()
	if err != nil {
		return nil, err
	}
	// HTTP/1.1 alone: a GOAWAY or a reset stream of HTTP/2 makes net/http
	// repeat requests by rules of their own.
	var protocols http.Protocols
	protocols.SetHTTP1(true)
	return &http.Transport{
		Proxy:                  proxy,
		OnProxyConnectResponse: connected,
		DialContext:            (&net.Dialer{Timeout: t.limits.Connect, KeepAlive: 30 * time.Second, Control: boundUnacked}).DialContext,
		TLSClientConfig:        &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout:    t.limits.Handshake,
		MaxResponseHeaderBytes: maxBody,
		MaxIdleConnsPerHost:    maxIdlePerHost,
		IdleConnTimeout:        maxIdleTime,
		DisableCompression:     true,
		Protocols:              &protocols,
	}, nil
}

// readRoots returns the certificates of a CA file, nil for the system's own.
func readRoots(path string) (*x509.CertPool, error) {
	if path == "" {
		return nil, nil
	}
	pem, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read CA file: %w", err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("read CA file %s: it has no certificate", path)
	}
	return roots, nil
}
