package provider_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"

	"webex-tokend/daemon/answer"
	"webex-tokend/daemon/config"
	"webex-tokend/daemon/provider"
	"webex-tokend/store"
)

func FuzzAnswer(f *testing.F) {
	f.Add("{", "}", 200)
	f.Add(`{"access_token":"a",`, `,"expires_in":NaN}`, 200)
	f.Add(`[{"access_token":"a",`, `,"expi`, 201)
	f.Add(`<html>`, `{"error":"invalid_grant"}`, 200)
	f.Fuzz(func(t *testing.T, before, after string, status int) {
		if status < 200 || status > 299 || len(before)+len(after) > 60<<10 {
			t.Skip()
		}
		body := before + `"refresh_token":"fresh-token"` + after
		c := client(t, provider.Config{Transport: by(respond(status, nil, body))})
		in := &config.Integration{Kind: config.REST, TokenURL: "http://127.0.0.1"}
		a, err := c.Refresh(t.Context(), in, provider.Request{Token: store.NewSecret(refreshToken)})
		if err == nil {
			if a.Access.Empty() {
				t.Error("an answer without an access token was taken")
			}
			return
		}
		if failure(t, err).Salvaged.Empty() {
			t.Errorf("the refresh token in %q was lost: %v", body, err)
		}
	})
}

// FuzzRefusal invents errors. None may give up a grant or blame the client
// without naming what it refuses, none may leak, none may break a line.
func FuzzRefusal(f *testing.F) {
	f.Add(400, "invalid_request", "The refresh token provided is expired, revoked, malformed, or invalid.", "t")
	f.Add(401, "", "Client Id is invalid", "")
	f.Add(403, "x", "client_secret=canary-client-secret+/=&"+refreshToken, verifier)
	f.Add(500, "invalid_grant", "\x1b[2J\u202e\n", "")
	secrets := []config.SecretFile{secretFile(f, clientSecret)}
	f.Fuzz(func(t *testing.T, status int, code, description, tracking string) {
		if status < 100 || status > 999 || status >= 200 && status < 400 {
			t.Skip()
		}
		for _, kind := range []config.Kind{config.REST, config.Generic} {
			for _, body := range bodies(t, code, description, tracking) {
				c := client(t, provider.Config{Transport: by(respond(status, http.Header{}, body))})
				in := &config.Integration{Kind: kind, TokenURL: "http://127.0.0.1", ClientID: "C0ffee", Secrets: secrets}
				a, err := c.Refresh(t.Context(), in, request())
				checkPrivacy(t, a, err)
				got := failure(t, err)
				checkEvidence(t, got, kind, strings.ToLower(code+" "+description))
				if strings.ContainsFunc(got.Error(), func(r rune) bool { return !unicode.IsPrint(r) }) || len(got.Description) > 200 {
					t.Errorf("error text %q", got.Error())
				}
			}
		}
	})
}

// bodies draws an error in both shapes.
func bodies(t *testing.T, code, description, tracking string) []string {
	oauth, err := json.Marshal(map[string]any{"error": code, "error_description": description, "trackingID": tracking})
	gateway, err2 := json.Marshal(map[string]any{"message": code, "errors": []any{map[string]any{"description": description}}, "trackingId": tracking})
	if err := errors.Join(err, err2); err != nil {
		t.Fatal(err)
	}
	return []string{string(oauth), string(gateway), description}
}

func checkEvidence(t *testing.T, f *provider.Failure, kind config.Kind, words string) {
	t.Helper()
	switch f.Kind {
	case provider.Rejected:
		if f.Status >= 500 || f.Status == 429 ||
			!slices.ContainsFunc([]string{"invalid_grant", "invalid_refresh_token", "refresh token", "refresh_token", "refreshtoken"},
				func(w string) bool { return strings.Contains(words, w) }) {
			t.Errorf("given up for %q: %+v", words, *f)
		}
	case provider.Misconfigured:
		bare := kind == config.Generic && f.Status == http.StatusUnauthorized
		if f.Status >= 500 || !bare && !strings.Contains(words, "client") &&
			!strings.Contains(words, "unsupported_grant_type") && !strings.Contains(words, "invalid_scope") {
			t.Errorf("the client is blamed for %q: %+v", words, *f)
		}
	}
}

func FuzzRetryAfter(f *testing.F) {
	f.Add("17", "Fri, 02 Jan 2026 03:04:05 GMT")
	f.Add("Fri, 02 Jan 2026 03:04:35 GMT", "")
	f.Add("rand(30),add(30)", "x")
	f.Fuzz(func(t *testing.T, after, date string) {
		c := client(t, provider.Config{Transport: by(respond(429, http.Header{"Retry-After": {after}, "Date": {date}}, ""))})
		_, err := c.Refresh(t.Context(), &config.Integration{Kind: config.REST, TokenURL: "http://127.0.0.1"}, request())
		if d := failure(t, err).RetryAfter; d != 0 && (d < time.Second || d > time.Hour) {
			t.Errorf("Retry-After %q is %v", after, d)
		}
	})
}

func FuzzInstant(f *testing.F) {
	f.Add("2026-12-06 01:07:05.133214+00:00")
	f.Add("1768630439322")
	f.Add("-1e308")
	f.Fuzz(func(t *testing.T, text string) {
		if at, ok := answer.ParseInstant(text); ok && (at.Unix() < 0 || at.Year() > 10000) {
			t.Errorf("%q is %v", text, at)
		}
		provider.TokenEnd(store.NewSecret("e30." + text + ".x"))
	})
}
