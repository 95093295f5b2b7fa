package provider

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"sync"
	"time"

	"webex-tokend/daemon/config"
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

	mu    sync.Mutex
	pools map[route]*pool
}

// A route tells connections to one host apart.
type route struct {
	proxyURL string
	caFile   string
}

type pool struct {
	*http.Transport
	ca   os.FileInfo // as it was read; nil without caFile
	used time.Time
}

// of returns the transport for an integration. A CA file is read again once
// it has changed; connections made under the old one end with their request.
func (t *transports) of(in *config.Integration) (http.RoundTripper, error) {
	r := route{in.ProxyURL, in.CAFile}
	var ca os.FileInfo
	if r.caFile != "" {
		var err error
		if ca, err = os.Stat(r.caFile); err != nil {
			return nil, fmt.Errorf("read CA file: %w", err)
		}
	}
	t.mu.Lock()
	p := t.pools[r]
	if p != nil && p.unchanged(ca) {
		p.used = time.Now()
		t.mu.Unlock()
		return p.Transport, nil
	}
	t.mu.Unlock()

	fresh, err := t.dial(r)
	if err != nil {
		return nil, err
	}
	t.replace(r, &pool{Transport: fresh, ca: ca, used: time.Now()})
	return fresh, nil
}

func (p *pool) unchanged(ca os.FileInfo) bool {
	if p.ca == nil || ca == nil {
		return p.ca == nil && ca == nil
	}
	return os.SameFile(p.ca, ca) && p.ca.Size() == ca.Size() && p.ca.ModTime().Equal(ca.ModTime())
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
	proxy := http.ProxyFromEnvironment
	if r.proxyURL != "" {
		u, err := url.Parse(r.proxyURL)
		if err != nil {
			// The cause would quote the URL, which may hold a password.
			return nil, errors.New("read proxy_url: not a URL")
		}
		proxy = http.ProxyURL(u)
	}
	// HTTP/1.1 alone: a GOAWAY or a reset stream of HTTP/2 makes net/http
	// repeat requests by rules of their own.
	var protocols http.Protocols
	protocols.SetHTTP1(true)
	return &http.Transport{
		Proxy:                  proxy,
		DialContext:            (&net.Dialer{Timeout: t.limits.Connect, KeepAlive: 30 * time.Second, Control: boundUnacked}).DialContext,
		TLSClientConfig:        &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout:    t.limits.Handshake,
		ResponseHeaderTimeout:  t.limits.Header,
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
