package servers

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ory/fosite"
	"github.com/ory/fosite/compose"
	"github.com/ory/fosite/handler/openid"
	"github.com/ory/fosite/storage"
	"github.com/ory/fosite/token/jwt"
)

// startFosite runs the provider of ory/fosite over its store in memory. A used
// refresh token ends all tokens of its grant.
func startFosite(t *testing.T) *server {
	s := &server{clientID: "my-client", secret: "foobar", tokenPath: "/token", revokePath: "/revoke"}
	var provider atomic.Pointer[fosite.OAuth2Provider]
	s.forget = func() {
		key := []byte("a secret of thirty-two characters")[:32]
		p := compose.Compose(&fosite.Config{AccessTokenLifespan: time.Hour, GlobalSecret: key, RefreshTokenScopes: []string{"offline"}},
			storage.NewExampleStore(), &compose.CommonStrategy{CoreStrategy: compose.NewOAuth2HMACStrategy(&fosite.Config{GlobalSecret: key})},
			//lint:ignore SA1019 A password is the shortest way to a first token, and nothing here depends on how it came.
			compose.OAuth2ResourceOwnerPasswordCredentialsFactory, compose.OAuth2RefreshTokenGrantFactory, compose.OAuth2TokenRevocationFactory)
		provider.Store(&p)
	}
	s.forget()
	mux := http.NewServeMux()
	mux.HandleFunc("POST /token", func(w http.ResponseWriter, r *http.Request) {
		p, ctx := *provider.Load(), r.Context()
		request, err := p.NewAccessRequest(ctx, r, newSession())
		if err != nil {
			p.WriteAccessError(ctx, w, request, err)
			return
		}
		for _, scope := range request.GetRequestedScopes() {
			request.GrantScope(scope)
		}
		response, err := p.NewAccessResponse(ctx, request)
		if err != nil {
			p.WriteAccessError(ctx, w, request, err)
			return
		}
		p.WriteAccessResponse(ctx, w, request, response)
	})
	mux.HandleFunc("POST /revoke", func(w http.ResponseWriter, r *http.Request) {
		p := *provider.Load()
		p.WriteRevocationResponse(r.Context(), w, p.NewRevocationRequest(r.Context(), r))
	})
	s.serve(t, mux)
	s.consent = func(t *testing.T) []byte {
		return s.ask(t, url.Values{"grant_type": {"password"}, "username": {"peter"}, "password": {"secret"}, "scope": {"offline"}})
	}
	return s
}

func newSession() *openid.DefaultSession {
	return &openid.DefaultSession{Claims: &jwt.IDTokenClaims{}, Headers: &jwt.Headers{}, Subject: "peter", ExpiresAt: map[fosite.TokenType]time.Time{}}
}

// A server is one that somebody else wrote.
type server struct {
	url                   string
	clientID, secret      string
	tokenPath, revokePath string
	// consent gives a token response as a person's consent would.
	consent func(t *testing.T) []byte
	// forget takes the server's state away.
	forget func()

	busy     atomic.Int64 // requests under way
	answered atomic.Int64 // when the last one was, in nanoseconds since 1970
	requests atomic.Int64
}

// serve answers on loopback and knows what is under way.
func (s *server) serve(t *testing.T, h http.Handler) {
	http := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.busy.Add(1)
		s.requests.Add(1)
		h.ServeHTTP(w, r)
		s.answered.Store(time.Now().UnixNano())
		s.busy.Add(-1)
	}))
	t.Cleanup(http.Close)
	s.url = http.URL
}

// quiet waits until no answer is on its way into the daemon's store: a server
// without grace loses the grant of whoever dies then, and no client can help it.
func (s *server) quiet(ctx context.Context) {
	for ctx.Err() == nil && (s.busy.Load() > 0 || time.Since(time.Unix(0, s.answered.Load())) < 200*time.Millisecond) {
		time.Sleep(10 * time.Millisecond)
	}
}

// ask puts a form to the token endpoint and insists on an answer.
func (s *server) ask(t *testing.T, form url.Values) []byte {
	t.Helper()
	status, body := s.try(t, form)
	var answer struct {
		Refresh string `json:"refresh_token"`
	}
	if err := json.Unmarshal(body, &answer); status != http.StatusOK || err != nil || answer.Refresh == "" {
		t.Fatalf("the server answers %d: %s", status, body)
	}
	return body
}

func (s *server) try(t *testing.T, form url.Values) (status int, body []byte) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.url+s.tokenPath, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	req.SetBasicAuth(s.clientID, s.secret)
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if body, err = io.ReadAll(resp.Body); err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, body
}
