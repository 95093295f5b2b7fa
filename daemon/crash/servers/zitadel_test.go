package servers

import (
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/zitadel/oidc/v3/example/server/exampleop"
	"github.com/zitadel/oidc/v3/example/server/storage"
	"github.com/zitadel/oidc/v3/pkg/op"
)

// startZitadel runs the example server of zitadel/oidc.
func startZitadel(t *testing.T) *server {
	const redirect = "http://127.0.0.1:8411/oauth"
	s := &server{clientID: "web", secret: "secret", tokenPath: "/oauth/token", revokePath: "/revoke"}
	storage.RegisterClients(storage.WebClient(s.clientID, s.secret, redirect))
	var handler atomic.Pointer[http.Handler]
	s.serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { (*handler.Load()).ServeHTTP(w, r) }))
	s.forget = func() {
		h := http.Handler(exampleop.SetupServer(s.url, storage.NewStorage(storage.NewUserStore(s.url)), slog.New(slog.NewTextHandler(io.Discard, nil)), false, op.WithAllowInsecure()))
		handler.Store(&h)
	}
	s.forget()
	s.consent = func(t *testing.T) []byte {
		browser := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
		at := s.url + "/auth?" + url.Values{"client_id": {s.clientID}, "redirect_uri": {redirect}, "response_type": {"code"},
			"scope": {"openid offline_access"}, "prompt": {"consent"}, "state": {"x"}}.Encode()
		resp, err := browser.Get(at)
		for range 8 {
			if err != nil {
				t.Fatal(err)
			}

			_ = resp.Body.Close()
			next, err2 := resp.Location()
			switch {
			case err2 == nil && strings.HasPrefix(next.String(), redirect):
				return s.ask(t, url.Values{"grant_type": {"authorization_code"}, "code": {next.Query().Get("code")}, "redirect_uri": {redirect}})
			case err2 == nil:
				resp, err = browser.Get(next.String())
			default: // the page that asks who it is
				host := resp.Request.URL.Hostname()
				resp, err = browser.PostForm(s.url+"/login/username", url.Values{"username": {"test-user@" + host}, "password": {"verysecure"}, "id": {resp.Request.URL.Query().Get("authRequestID")}})
			}
		}
		t.Fatal("the browser goes round in circles")
		return nil
	}
	return s
}
