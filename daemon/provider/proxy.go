package provider

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"webex-tokend/daemon/config"
)

// proxy returns which proxy a request takes: that of proxy_url, else that of the
// usual environment, with the credentials of their file.
func (r route) proxy() (func(*http.Request) (*url.URL, error), error) {
	proxy := http.ProxyFromEnvironment
	if r.proxyURL != "" {
		u, err := url.Parse(r.proxyURL)
		if err != nil {
			// The cause would quote the URL, which may hold a password.
			return nil, errors.New("read proxy_url: not a URL")
		}
		proxy = http.ProxyURL(u)
	}
	if r.credentials == "" {
		return proxy, nil
	}
	secret, err := config.SecretFile{Path: r.credentials}.Read()
	if err != nil {
		return nil, fmt.Errorf("read credentials of the proxy: %w", err)
	}
	name, password, found := strings.Cut(secret.Reveal(), ":")
	if !found || name == "" {
		return nil, fmt.Errorf("read credentials of the proxy: %s does not hold USER:PASSWORD", r.credentials)
	}
	return func(req *http.Request) (*url.URL, error) {
		u, err := proxy(req)
		if err != nil || u == nil {
			return u, err
		}
		known := *u
		known.User = url.UserPassword(name, password)
		return &known, nil
	}, nil
}

// A proxyError is a proxy that did not let a request through: its host and what
// it answered.
type proxyError struct {
	host   string
	status int
}

func (e *proxyError) Error() string {
	text := fmt.Sprintf("proxy %s answered %d %s", e.host, e.status, http.StatusText(e.status))
	if e.status == http.StatusProxyAuthRequired {
		text += "; proxy_credentials_file names a file with USER:PASSWORD"
	}
	return text
}

// connected keeps the host and the status of a proxy that refuses to connect:
// net/http by itself tells the words of the status alone.
func connected(_ context.Context, proxy *url.URL, _ *http.Request, resp *http.Response) error {
	if resp.StatusCode == http.StatusOK {
		return nil
	}
	return &proxyError{proxy.Host, resp.StatusCode}
}

// refusedByProxy is an answer that came from a proxy in place of the server, to a
// request that needs no tunnel.
func refusedByProxy(resp *http.Response, transport http.RoundTripper) *Failure {
	err := &proxyError{"in between", resp.StatusCode}
	if t, ok := transport.(*http.Transport); ok && t.Proxy != nil {
		if u, _ := t.Proxy(resp.Request); u != nil {
			err.host = u.Host
		}
	}
	f := answered(resp)
	f.Code, f.Description = "proxy_refused", err.Error()
	return f
}
