package client_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"webex-tokend/daemon/client"
	"webex-tokend/daemon/sse"
	"webex-tokend/daemon/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// answer serves one function on a socket and returns a client of it.
func answer(t *testing.T, serve http.HandlerFunc) *client.Client {
	t.Helper()
	dir, err := os.MkdirTemp("", "client")
	if err != nil {
		t.Fatal(err)
	}
	socket := filepath.Join(dir, "s")
	listener, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: serve}
	var served sync.WaitGroup
	served.Go(func() { _ = server.Serve(listener) })
	c := client.New(client.Config{Socket: socket})
	t.Cleanup(func() {
		c.Close()
		_ = server.Close()
		served.Wait()
		_ = os.RemoveAll(dir)
	})
	return c
}

func TestADaemonThatIsNotThereIsUnreachable(t *testing.T) {
	dir := t.TempDir()
	dead := filepath.Join(dir, "dead")
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: dead, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	l.SetUnlinkOnClose(false)
	l.Close()
	for name, socket := range map[string]string{"no socket": filepath.Join(dir, "none"), "a dead socket": dead} {
		c := client.New(client.Config{Socket: socket})
		_, err := c.Status(t.Context())
		if !errors.Is(err, client.ErrUnreachable) || !strings.HasPrefix(err.Error(), "daemon is not reachable on "+socket+": ") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestASocketThatKeepsTheUserOutIsADenial(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Skip("nothing keeps root out")
	}
	socket := filepath.Join(t.TempDir(), "s")
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if err := os.Chmod(socket, 0); err != nil {
		t.Fatal(err)
	}
	c := client.New(client.Config{Socket: socket})
	if _, err := c.Status(t.Context()); !errors.Is(err, fs.ErrPermission) || errors.Is(err, client.ErrUnreachable) {
		t.Errorf("error %v", err)
	}
}

func TestAProblemKeepsWhatTheDaemonSaid(t *testing.T) {
	c := answer(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", wire.ProblemType)
		w.Header().Set("Retry-After", "90")
		w.WriteHeader(http.StatusServiceUnavailable)
		fmt.Fprint(w, `{"title":"Service Unavailable","status":503,"detail":"not now","state":"retrying","reason":"r","action":"wait"}`)
	})
	_, err := c.Token(t.Context(), "ops", 0)
	p, ok := errors.AsType[*client.Problem](err)
	if !ok || p.Status != 503 || p.Error() != "not now" || p.State != "retrying" || p.Reason != "r" || p.Action != "wait" || p.RetryAfter != 90*time.Second {
		t.Errorf("problem %+v of %v", p, err)
	}
}

func TestARefusalOfSomethingElseIsStillAProblem(t *testing.T) {
	c := answer(t, func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "<html>", http.StatusBadGateway) })
	_, err := c.Grant(t.Context(), "ops")
	if p, ok := errors.AsType[*client.Problem](err); !ok || p.Status != 502 || p.Error() != "answer 502 Bad Gateway" {
		t.Errorf("error %v", err)
	}
}

func TestRequestsAreWhatTheRoutesExpect(t *testing.T) {
	var got string
	c := answer(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got = fmt.Sprintf("%s %s %s", r.Method, r.URL.RequestURI(), body)
		fmt.Fprint(w, "{}")
	})
	issued := time.Date(2026, 1, 2, 3, 4, 5, 0, time.FixedZone("", 3600))
	tests := []struct {
		name string
		call func(context.Context) error
		want string
	}{
		{"a name is escaped", func(ctx context.Context) error { _, err := c.Grant(ctx, "../a b"); return err }, "GET /v1/grants/..%2Fa%20b "},
		{"a name of dots does not lead up the path", func(ctx context.Context) error { _, err := c.Pause(ctx, ".."); return err },
			"POST /v1/grants/%2E%2E/pause "},
		{"seconds are rounded up", func(ctx context.Context) error { _, err := c.Token(ctx, "ops", 1500*time.Millisecond); return err },
			"GET /v1/grants/ops/token?min_valid=2 "},
		{"no time left is no parameter", func(ctx context.Context) error { _, err := c.Token(ctx, "ops", 0); return err }, "GET /v1/grants/ops/token "},
		{"an import carries its time in UTC", func(ctx context.Context) error {
			_, err := c.Import(ctx, "ops", client.Import{Content: strings.NewReader("body"), Format: "wtr", IssuedAt: issued})
			return err
		}, "PUT /v1/grants/ops?format=wtr&issued_at=2026-01-02T02%3A04%3A05Z body"},
		{"a page is asked for by cursor", func(ctx context.Context) error {
			_, err := c.Grants(ctx, client.Query{States: []string{"ok", "paused"}, ByName: true, After: "c", Limit: 7})
			return err
		}, "GET /v1/grants?after=c&limit=7&sort=name&state=ok%2Cpaused "},
		{"refresh", func(ctx context.Context) error { _, err := c.Refresh(ctx, "ops"); return err }, "POST /v1/grants/ops/refresh "},
		{"pause", func(ctx context.Context) error { _, err := c.Pause(ctx, "ops"); return err }, "POST /v1/grants/ops/pause "},
		{"resume", func(ctx context.Context) error { _, err := c.Resume(ctx, "ops"); return err }, "POST /v1/grants/ops/resume "},
		{"adopt", func(ctx context.Context) error { _, err := c.Adopt(ctx, "ops"); return err }, "POST /v1/grants/ops/adopt "},
		{"remove", func(ctx context.Context) error { return c.Remove(ctx, "ops") }, "DELETE /v1/grants/ops "},
		{"reload", c.Reload, "POST /v1/reload "},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if err := test.call(t.Context()); err != nil {
				t.Fatal(err)
			}
			if got != test.want {
				t.Errorf("request %q, not %q", got, test.want)
			}
		})
	}
}

func TestPagesAreJoinedUntilTheLastOne(t *testing.T) {
	c := answer(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Query().Get("after") {
		case "":
			fmt.Fprint(w, `{"grants":[{"name":"a"},{"name":"b"}],"next":"2"}`)
		case "2":
			fmt.Fprint(w, `{"grants":[],"next":"3"}`)
		case "3":
			fmt.Fprint(w, `{"grants":[{"name":"c"}],"next":""}`)
		}
	})
	var names []string
	for g, err := range c.AllGrants(t.Context(), client.Query{}) {
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, g.Name)
	}
	if got := strings.Join(names, " "); got != "a b c" {
		t.Errorf("grants %q", got)
	}
}

func TestEventsAreReadAsTheStandardDrawsThem(t *testing.T) {
	c := answer(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", sse.MediaType)
		fmt.Fprintf(w, "retry: 2000\n\n:comment\n\n"+
			"id: 7\nevent: refreshed\ndata: {\"grant\":\"ops\",\"generation\":3}\nextra: x\n\n"+
			"data:{\"grant\":\ndata:\"crm\"}\nid:8\nevent:state\n\nid: 9\ndata: cut off")
	})
	var got []string
	var last error
	for e, err := range c.Events(t.Context(), 6) {
		if last = err; err == nil {
			got = append(got, fmt.Sprintf("%d %s %s %d", e.ID, e.Kind, e.Grant, e.Generation))
		}
	}
	if text := strings.Join(got, "; "); text != "7 refreshed ops 3; 8 state crm 0" {
		t.Errorf("events %q", text)
	}
	if !errors.Is(last, io.ErrUnexpectedEOF) {
		t.Errorf("the stream ends with %v", last)
	}
}

func TestEventsEndWithTheirContext(t *testing.T) {
	c := answer(t, func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusOK)
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	})
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(time.Millisecond, cancel)
	for _, err := range c.Events(ctx, client.Latest) {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("the stream ends with %v", err)
		}
	}
}
