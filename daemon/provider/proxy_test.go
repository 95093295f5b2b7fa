package provider_test

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"webex-tokend/daemon/config"
	"webex-tokend/daemon/provider"
)

// A proxy that refused was told of as "connect_failed: Forbidden", without its
// name, as if the server were away.
func TestAProxyThatRefusesIsNamedWithItsStatus(t *testing.T) {
	status := http.StatusForbidden
	proxy := httpServer(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { http.Error(w, "canary", status) }))
	host := strings.TrimPrefix(proxy, "http://")
	for _, c := range []struct {
		status int
		url    string
		want   string
	}{
		{403, "https://endpoint.example/token", "proxy " + host + " answered 403 Forbidden"},
		{407, "https://endpoint.example/token", "proxy " + host + " answered 407 Proxy Authentication Required; proxy_credentials_file"},
		{407, "http://endpoint.example/token", "proxy " + host + " answered 407 Proxy Authentication Required; proxy_credentials_file"},
		{502, "https://endpoint.example/token", "proxy " + host + " answered 502 Bad Gateway"},
		{503, "https://endpoint.example/token", "proxy " + host + " answered 503 Service Unavailable"},
		{200 + 4, "https://endpoint.example/token", "proxy " + host + " answered 204 No Content"},
	} {
		status = c.status
		in := integration(t, c.url)
		in.ProxyURL = proxy
		_, err := client(t, provider.Config{}).Refresh(t.Context(), in, request())
		f := failure(t, err)
		if f.Code != "proxy_refused" || !strings.Contains(f.Description, c.want) || strings.Contains(f.Error(), "canary") || f.Kind != provider.Transient {
			t.Errorf("status %d for %s: %+v, want %q", c.status, c.url, *f, c.want)
		}
	}
}

func TestCredentialsOfAProxyComeFromAFileThatIsReadAgain(t *testing.T) {
	var shown []string
	proxy := httpServer(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name, password, _ := (&http.Request{Header: http.Header{"Authorization": r.Header["Proxy-Authorization"]}}).BasicAuth()
		shown = append(shown, name+" "+password)
		http.Error(w, "no", http.StatusForbidden)
	}))
	file := filepath.Join(t.TempDir(), "proxy.secret")
	in := integration(t, "https://endpoint.example/token")
	in.ProxyURL, in.ProxyCredentials = proxy, config.SecretFile{Path: file}
	c := client(t, provider.Config{})
	for _, text := range []string{"kim:one\n", "kim:two:three\n"} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := c.Refresh(t.Context(), in, request())
		failure(t, err)
	}
	if got := strings.Join(shown, ", "); got != "kim one, kim two:three" {
		t.Errorf("the proxy was shown %q", got)
	}
	for name, text := range map[string]string{"no password": "canary\n", "no user": ":canary\n", "quotes": "\"kim:canary\"\n"} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := c.Refresh(t.Context(), in, request())
		if f := failure(t, err); f.Kind != provider.Misconfigured || f.Sent || strings.Contains(f.Error(), "canary") {
			t.Errorf("%s: %+v", name, *f)
		}
	}
}

// The text of package x509 says that an authority is unknown, not which, nor what
// helps.
func TestAnUnknownAuthorityIsNamedWithWhatHelps(t *testing.T) {
	server := httptest.NewTLSServer(http.HandlerFunc(answersGood))
	t.Cleanup(server.Close)
	_, err := client(t, provider.Config{}).Refresh(t.Context(), integration(t, server.URL), request())
	f := failure(t, err)
	if f.Code != "tls_failed" || !strings.Contains(f.Description, "unknown authority, O=Acme Co") || !strings.Contains(f.Description, "ca_file") || !strings.Contains(f.Description, "intercepts") {
		t.Errorf("failure %+v", *f)
	}
}
