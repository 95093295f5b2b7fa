package emulator_test

import (
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"webex-tokend/daemon/emulator"
	"webex-tokend/daemon/emulator/lab"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	day  = 24 * time.Hour
	base = "http://webex.test"
)

// inProcess is a client that reaches the emulator without a socket.
func inProcess(e *emulator.Emulator) *http.Client {
	return &http.Client{Transport: lab.Transport(e), CheckRedirect: stay}
}

// overSocket is a client and the URL at which it reaches the emulator.
func overSocket(t *testing.T, e *emulator.Emulator) (*http.Client, string) {
	t.Helper()
	server := httptest.NewServer(e)
	t.Cleanup(server.Close)
	client := server.Client()
	client.CheckRedirect = stay
	return client, server.URL
}

// stay keeps a client from following redirects.
func stay(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// reply is an answer that has been read.
type reply struct {
	status int
	header http.Header
	body   string
	fields map[string]any
}

func (r reply) text(field string) string { s, _ := r.fields[field].(string); return s }
func (r reply) number(field string) int  { n, _ := r.fields[field].(float64); return int(n) }

// description is the useful text of a refusal in either shape.
func (r reply) description() string {
	if list, ok := r.fields["errors"].([]any); ok && len(list) == 1 {
		detail, _ := list[0].(map[string]any)
		s, _ := detail["description"].(string)
		return s
	}
	return r.text("error_description")
}

func send(t *testing.T, client *http.Client, r *http.Request) reply {
	t.Helper()
	response, err := client.Do(r)
	if err != nil {
		t.Fatalf("%s %s: %v", r.Method, r.URL.Path, err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatalf("read the answer to %s %s: %v", r.Method, r.URL.Path, err)
	}
	got := reply{status: response.StatusCode, header: response.Header, body: string(body)}
	_ = json.Unmarshal(body, &got.fields) // pages and empty bodies have none
	return got
}

func formRequest(t *testing.T, target string, form url.Values) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, target, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
	return r
}

func post(t *testing.T, e *emulator.Emulator, path string, form url.Values) reply {
	t.Helper()
	return send(t, inProcess(e), formRequest(t, base+path, form))
}

func get(t *testing.T, e *emulator.Emulator, path, bearer string) reply {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, base+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	if bearer != "" {
		r.Header.Set("Authorization", "Bearer "+bearer)
	}
	return send(t, inProcess(e), r)
}

func tokenPath(k emulator.Kind) string {
	if k == emulator.Meetings {
		return emulator.MeetingsTokenPath
	}
	return emulator.TokenPath
}

// clientForm is a form with the credentials of the kind's client and whatever
// is added.
func clientForm(e *emulator.Emulator, k emulator.Kind, more url.Values) url.Values {
	c := e.Client(k)
	form := url.Values{"client_id": {c.ID}, "client_secret": {c.Secret}}
	maps.Copy(form, more)
	return form
}

func refreshForm(e *emulator.Emulator, k emulator.Kind, token string) url.Values {
	return clientForm(e, k, url.Values{"grant_type": {"refresh_token"}, "refresh_token": {token}})
}

// refresh sends a refresh as a client of the kind does.
func refresh(t *testing.T, e *emulator.Emulator, k emulator.Kind, token string) reply {
	t.Helper()
	return post(t, e, tokenPath(k), refreshForm(e, k, token))
}

func want[T comparable](t *testing.T, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

// directRequest is a token request for a handler, without any client.
func directRequest(form string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, emulator.TokenPath, strings.NewReader(form))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return r
}

// discard is the cheapest way of taking an answer.
type discard struct {
	header http.Header
	status int
}

func (d *discard) Header() http.Header {
	if d.header == nil {
		d.header = http.Header{}
	}
	return d.header
}

func (d *discard) WriteHeader(status int)      { d.status = status }
func (d *discard) Write(b []byte) (int, error) { return len(b), nil }
