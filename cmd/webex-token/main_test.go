package main

import (
	"net"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestOnlyPlainCallsAreServedHere(t *testing.T) {
	plain := query{grant: "ops", format: "raw", variable: tokenVariable}
	with := func(change func(*query)) query { q := plain; change(&q); return q }
	for _, c := range []struct {
		args string
		want query
		ok   bool
	}{
		{"token ops", plain, true},
		{"token ops --format=env --min-valid 10m", with(func(q *query) { q.format, q.minValid = "env", 10*time.Minute }), true},
		{"--socket /s token --config /c ops", with(func(q *query) { q.socket, q.config = "/s", "/c" }), true},
		{"exec ops -- true", with(func(q *query) { q.command = []string{"true"} }), true},
		{"exec ops --variable T -- sh -c --help", with(func(q *query) { q.variable, q.command = "T", []string{"sh", "-c", "--help"} }), true},
		{"", query{}, false},
		{"token", query{}, false},
		{"token ops more", query{}, false},
		{"token OPS", query{}, false},
		{"token ../x", query{}, false},
		{"token ops --help", query{}, false},
		{"token ops -h", query{}, false},
		{"token ops --format xml", query{}, false},
		{"token ops --format", query{}, false},
		{"token ops --min-valid soon", query{}, false},
		{"token ops --variable T", query{}, false},
		{"token ops --", query{}, false},
		{"token ops --socket=", query{}, false},
		{"exec ops --", query{}, false},
		{"exec ops true", query{}, false},
		{"exec ops --variable 1A -- true", query{}, false},
		{"exec ops --format json -- true", query{}, false},
		{"exec ops --restart-on-change -- true", query{}, false},
		{"exec ops --signal HUP -- true", query{}, false},
		{"status ops", query{}, false},
	} {
		t.Run(c.args, func(t *testing.T) {
			q, ok := parse(strings.Fields(c.args))
			if ok != c.ok || ok && !reflect.DeepEqual(q, c.want) {
				t.Errorf("%+v, %v", q, ok)
			}
		})
	}
}

// served answers one request with the pieces of an answer, and returns it.
func served(t *testing.T, pieces ...string) (socket string, request <-chan string) {
	t.Helper()
	socket = filepath.Join(t.TempDir(), "s")
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	got := make(chan string, 1)
	go func() {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		read := make([]byte, 4096)
		n, _ := conn.Read(read)
		got <- string(read[:n])
		for _, p := range pieces {
			_, _ = conn.Write([]byte(p))
		}
	}()
	return socket, got
}

func TestAnAnswerIsTakenWholeOrNotAtAll(t *testing.T) {
	const head = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\ncontent-length: 5\r\nConnection: close\r\n\r\n"
	for _, c := range []struct {
		name   string
		pieces []string
		want   string
	}{
		{"at once", []string{head + "token"}, "token"},
		{"in pieces", append(strings.SplitAfter(head, "\r"), "to", "ken"), "token"},
		{"long", []string{strings.Replace(head, "5", "20000", 1), strings.Repeat("a", 20000)}, strings.Repeat("a", 20000)},
		{"cut off", []string{head + "toke"}, ""},
		{"cut off in its head", []string{head[:20]}, ""},
		{"nothing", nil, ""},
		{"a refusal", []string{strings.Replace(head, "200 OK", "403 Forbidden", 1) + "token"}, ""},
		{"without a length", []string{"HTTP/1.1 200 OK\r\n\r\ntoken"}, ""},
		{"in chunks", []string{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\ntoken\r\n0\r\n\r\n"}, ""},
		{"empty", []string{strings.Replace(head, "5", "0", 1)}, ""},
		{"longer than any", []string{strings.Replace(head, "5", "99999999", 1)}, ""},
		{"of another protocol", []string{"SSH-2.0-OpenSSH\r\n"}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			socket, request := served(t, c.pieces...)
			body, ok := ask(socket, query{grant: "ops", minValid: 1500 * time.Millisecond})
			if string(body) != c.want || ok != (c.want != "") {
				t.Errorf("got %q, %v", body, ok)
			}
			if got := <-request; !strings.HasPrefix(got, "GET /v1/grants/ops/token?min_valid=2 HTTP/1.1\r\n") || !strings.HasSuffix(got, "\r\n\r\n") {
				t.Errorf("sent %q", got)
			}
		})
	}
	if _, ok := ask(filepath.Join(t.TempDir(), "none"), query{}); ok {
		t.Error("a socket that is not there answers")
	}
}

func TestATokenThatNeedsQuotesIsNotWrittenAsAVariable(t *testing.T) {
	if text, ok := format("env", []byte("aZ09-._~+/=")); !ok || string(text) != "WEBEX_ACCESS_TOKEN=aZ09-._~+/=\n" {
		t.Errorf("%q, %v", text, ok)
	}
	for _, token := range []string{"a b", "a'", "$(x)", "a\n"} {
		if text, ok := format("env", []byte(token)); ok {
			t.Errorf("%q is written as %q", token, text)
		}
	}
}

func TestTheVariableStandsInTheEnvironmentOnce(t *testing.T) {
	got := environment([]string{"A=1", "T=old", "TT=2", "T=older"}, "T", "new")
	if want := []string{"A=1", "TT=2", "T=new"}; !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
}
