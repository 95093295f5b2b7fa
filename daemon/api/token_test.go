package api_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"webex-tokend/daemon/api"
	"webex-tokend/daemon/refresh"
	"webex-tokend/daemon/refusal"
	"webex-tokend/daemon/wire"
	"webex-tokend/store"
)

// tokens is a keeper that answers every grant with one token, or an error.
type tokens struct {
	api.Refresher
	current refresh.Current
	err     error
	asked   time.Duration
}

func (k *tokens) Token(_ context.Context, _ string, minValid time.Duration) (refresh.Current, error) {
	k.asked = minValid
	return k.current, k.err
}

func TestATokenIsWrittenAsTheLibraryWouldWriteIt(t *testing.T) {
	now := time.Date(2026, 11, 22, 3, 0, 0, 123e6, time.UTC)
	k := &tokens{}
	_, socket := serve(t, api.Config{Grants: api.Grants{Refresher: k}, Now: func() time.Time { return now }})
	h := &host{socket: socket}
	c := h.as(t, os.Geteuid())

	rapid.Check(t, func(t *rapid.T) {
		text := rapid.OneOf(rapid.String(), rapid.StringMatching(`[A-Za-z0-9_.~+/=<>&"\\-]*`))
		want := wire.Token{
			AccessToken: text.Draw(t, "access"),
			TokenType:   text.Draw(t, "type"),
			Scope:       text.Draw(t, "scope"),
			Generation:  rapid.Uint64().Draw(t, "generation"),
		}
		k.current = refresh.Current{Generation: want.Generation, Token: store.Token{
			Access: store.NewSecret(want.AccessToken), Type: want.TokenType, Scope: want.Scope}}
		if rapid.Bool().Draw(t, "expires") {
			left := time.Duration(rapid.Int64Range(1, int64(400*24*time.Hour)).Draw(t, "left"))
			end, seconds := now.Add(left), int64(left/time.Second)
			k.current.ExpiresAt, want.ExpiresAt, want.ExpiresIn = end, &end, &seconds
		}
		resp, err := c.Get("http://host/v1/grants/ops/token")
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		got, _ := io.ReadAll(resp.Body)
		expected, _ := json.Marshal(want)
		if string(got) != string(expected)+"\n" {
			t.Fatalf("got  %swant %s", got, expected)
		}
	})
}

func TestTextIsTheBareToken(t *testing.T) {
	k := &tokens{current: refresh.Current{Token: store.Token{Access: store.NewSecret("the-token"), Type: "Bearer"}}}
	_, socket := serve(t, api.Config{Grants: api.Grants{Refresher: k}})
	c := (&host{socket: socket}).as(t, os.Geteuid())
	for accept, text := range map[string]bool{
		"":                             false,
		"*/*":                          false,
		"application/json":             false,
		"text/plain":                   true,
		"text/plain;q=0.9, */*":        true,
		"application/json, text/plain": false,
	} {
		req, _ := http.NewRequestWithContext(t.Context(), "GET", "http://host/v1/grants/ops/token", nil)
		req.Header.Set("Accept", accept)
		resp, err := c.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		if (string(body) == "the-token") != text {
			t.Errorf("Accept %q brings %q", accept, body)
		}
		if resp.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("Accept %q: a token may be kept by a cache", accept)
		}
	}
}

func TestMinValidIsADurationOrSeconds(t *testing.T) {
	k := &tokens{current: refresh.Current{Token: store.Token{Access: store.NewSecret("the-token")}}}
	_, socket := serve(t, api.Config{Grants: api.Grants{Refresher: k}})
	c := (&host{socket: socket}).as(t, os.Geteuid())
	for text, want := range map[string]time.Duration{
		"10m": 10 * time.Minute, "1d": 24 * time.Hour, "1d12h": 36 * time.Hour, "90": 90 * time.Second, "0": 0, "": 0,
	} {
		status, body := ask(t, c, "GET", "/v1/grants/ops/token?min_valid="+text)
		if status != http.StatusOK || k.asked != want {
			t.Errorf("min_valid=%s is asked as %v, answer %d %s", text, k.asked, status, body)
		}
	}
	for _, text := range []string{"-1", "-5m", "soon", "1w", "99999999999999999999", "1e3"} {
		if status, body := ask(t, c, "GET", "/v1/grants/ops/token?min_valid="+text); status != http.StatusBadRequest {
			t.Errorf("min_valid=%s is answered with %d %s", text, status, body)
		}
	}
}

func TestAnExpiredTokenIsNotHandedOut(t *testing.T) {
	now := time.Date(2026, 11, 22, 3, 0, 0, 0, time.UTC)
	k := &tokens{current: refresh.Current{Token: store.Token{Access: store.NewSecret("the-token"), ExpiresAt: now}}}
	_, socket := serve(t, api.Config{Grants: api.Grants{Refresher: k}, Now: func() time.Time { return now }})
	c := (&host{socket: socket}).as(t, os.Geteuid())
	resp := send(t, c, "GET", "/v1/grants/ops/token", "")
	defer resp.Body.Close()
	body, _ := io.ReadAll(resp.Body)
	if resp.StatusCode != http.StatusServiceUnavailable || resp.Header.Get("Retry-After") != "1" || strings.Contains(string(body), "the-token") {
		t.Errorf("at its end a token is answered with %s %s", resp.Status, body)
	}
	k.current.ExpiresAt = now.Add(time.Millisecond)
	if status, body := ask(t, c, "GET", "/v1/grants/ops/token"); status != http.StatusOK {
		t.Errorf("a millisecond before its end a token is answered with %d %s", status, body)
	}
}

func TestErrorsBecomeProblems(t *testing.T) {
	refused := func(kind refusal.Kind, retry time.Duration) error {
		return &refusal.Error{Kind: kind, Detail: "why", State: store.Retrying, Reason: "r", Action: "do", RetryAfter: retry}
	}
	tests := []struct {
		name   string
		err    error
		status int
		retry  string
	}{
		{"no such grant is 404", refused(refusal.NoSuchGrant, 0), 404, ""},
		{"a bad name is 400", refused(refusal.BadName, 0), 400, ""},
		{"bad content is 422", refused(refusal.BadContent, 0), 422, ""},
		{"a conflict is 409", refused(refusal.Conflict, 0), 409, ""},
		{"the broker's no is 502", refused(refusal.Broker, 0), 502, ""},
		{"later is 503 with a time", refused(refusal.Unavailable, 90*time.Second), 503, "90"},
		{"a fraction of a second is rounded up", refused(refusal.Unavailable, 1500*time.Millisecond), 503, "2"},
		{"later without a time is at least a second", refused(refusal.Unavailable, 0), 503, "1"},
		{"running out of time is 503", context.DeadlineExceeded, 503, "1"},
		{"anything else is 500", errors.New("why"), 500, ""},
	}
	k := &tokens{}
	_, socket := serve(t, api.Config{Grants: api.Grants{Refresher: k}})
	c := (&host{socket: socket}).as(t, os.Geteuid())
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			k.err = test.err
			resp := send(t, c, "GET", "/v1/grants/ops/token", "")
			defer resp.Body.Close()
			var p wire.Problem
			if err := json.NewDecoder(resp.Body).Decode(&p); err != nil {
				t.Fatal(err)
			}
			if resp.StatusCode != test.status || p.Status != test.status || p.Title != http.StatusText(test.status) {
				t.Errorf("answer %s, problem %+v", resp.Status, p)
			}
			if got := resp.Header.Get("Content-Type"); got != wire.ProblemType {
				t.Errorf("content type %q", got)
			}
			if got := resp.Header.Get("Retry-After"); got != test.retry {
				t.Errorf("Retry-After %q, not %q", got, test.retry)
			}
			if _, told := test.err.(*refusal.Error); told && (p.Detail != "why" || p.State != "retrying" || p.Reason != "r" || p.Action != "do") {
				t.Errorf("the problem lacks what the refusal said: %+v", p)
			}
		})
	}
}

func TestUnknownPathsAndMethodsAreToldApart(t *testing.T) {
	h := begin(t)
	c := h.as(t, os.Geteuid())
	resp := send(t, c, "POST", "/v1/grants/ops/token", "")
	resp.Body.Close()
	if resp.StatusCode != http.StatusMethodNotAllowed || resp.Header.Get("Allow") != "GET" {
		t.Errorf("POST to a token: %s, Allow %q", resp.Status, resp.Header.Get("Allow"))
	}
	for _, path := range []string{"/", "/v2/grants", "/v1/grants/ops/tokens"} {
		if status, body := ask(t, c, "GET", path); status != http.StatusNotFound || !strings.Contains(body, `"status":404`) {
			t.Errorf("%s is answered with %d %s", path, status, body)
		}
	}
}

func TestReadinessSaysWhyNot(t *testing.T) {
	var why error
	h := begin(t, func(cfg *api.Config) { cfg.Ready = func() error { return why } })
	c := h.as(t, os.Geteuid())
	if status, body := ask(t, c, "GET", "/readyz"); status != 200 || body != "ready\n" {
		t.Errorf("ready: %d %q", status, body)
	}
	why = errors.New("the store is read again")
	if status, body := ask(t, c, "GET", "/readyz"); status != 503 || !strings.Contains(body, why.Error()) {
		t.Errorf("not ready: %d %q", status, body)
	}
	if status, body := ask(t, c, "GET", "/healthz"); status != 200 || body != "ok\n" {
		t.Errorf("healthy but not ready: %d %q", status, body)
	}
}
