package provider_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"webex-tokend/daemon/provider"
)

// good is an answer as Webex documents it.
const good = `{"access_token":"new-access","expires_in":1209599,"refresh_token":"new-refresh","refresh_token_expires_in":7775999,"token_type":"Bearer"}`

// An outcome is what a misbehaviour must come to.
type outcome struct {
	access     string
	refresh    string // of an Answer
	salvaged   string // of a Failure
	kind       provider.Kind
	code       string
	status     int
	unanswered bool
	says       string // part of the description
}

func TestEveryMisbehaviourOfAnEndpointComesToItsOutcome(t *testing.T) {
	// Long enough for what an endpoint does say to arrive on a busy machine.
	brief := provider.Limits{Total: 4 * time.Second}
	second := serve(t, says(ok(good)))
	t.Cleanup(func() { // once all rows are through
		if n := second.connections(); n != 0 {
			t.Errorf("the host of the redirects was contacted %d times", n)
		}
	})
	table := []struct {
		name   string
		script func(net.Conn)
		limits provider.Limits
		want   outcome
	}{
		{"a sound answer", says(ok(good)), provider.Limits{},
			outcome{access: "new-access", refresh: "new-refresh"}},

		// The connection.
		{"it hangs up without a word", says(""), provider.Limits{},
			outcome{unanswered: true, code: "connection_lost"}},
		{"it resets the connection", reset(""), provider.Limits{},
			outcome{unanswered: true, code: "connection_lost"}},
		{"it resets the connection after the header", reset("HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n"), provider.Limits{},
			outcome{status: 200, code: "answer_cut_short"}},
		{"it never answers", hang(""), brief,
			outcome{unanswered: true, code: "timeout"}},
		{"it stops within the status line", hang("HTTP/1.1 2"), brief,
			outcome{unanswered: true, code: "timeout"}},
		{"it stops within the header", hang("HTTP/1.1 200 OK\r\nContent-Ty"), brief,
			outcome{unanswered: true, code: "timeout"}},
		{"it stops within the body behind a whole refresh token",
			hang("HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n" + `{"refresh_token":"new-refresh","acc`), brief,
			outcome{status: 200, code: "answer_cut_short", salvaged: "new-refresh", says: "a refresh token in it was kept"}},
		{"it trickles the body until time is up", trickle("HTTP/1.1 200 OK\r\nContent-Length: 99999\r\n\r\n", good[:100]), brief,
			outcome{status: 200, code: "answer_cut_short", salvaged: "new-refresh"}},
		{"it sends the header in pieces", pieces(ok(good)), provider.Limits{},
			outcome{access: "new-access", refresh: "new-refresh"}},
		{"it does not speak HTTP", says("SSH-2.0-OpenSSH_9.2\r\n"), provider.Limits{},
			outcome{unanswered: true, code: "connection_lost"}},
		{"it answers with TLS alert bytes", says("\x15\x03\x01\x00\x02\x02\x16"), provider.Limits{},
			outcome{unanswered: true, code: "connection_lost"}},
		{"it writes our form back instead of HTTP", says("client_secret=canary-client-secret%2B%2F%3D&refresh_token=" + refreshToken + "\r\n\r\n"), provider.Limits{},
			outcome{unanswered: true, code: "connection_lost"}},
		{"it announces two lengths", says("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 7\r\n\r\n{}"), provider.Limits{},
			outcome{unanswered: true, code: "connection_lost"}},
		{"it sends an endless header", says("HTTP/1.1 200 OK\r\nX: " + strings.Repeat("x", 200<<10)), provider.Limits{},
			outcome{unanswered: true, code: "connection_lost"}},
		{"it says 100 first", says("HTTP/1.1 100 Continue\r\n\r\n" + ok(good)), provider.Limits{},
			outcome{access: "new-access", refresh: "new-refresh"}},

		// The length and wrapping of the answer.
		{"it announces more than it sends, and the object is whole", says("HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n" + good), provider.Limits{},
			outcome{access: "new-access", refresh: "new-refresh"}},
		{"it announces less than it sends", says("HTTP/1.1 200 OK\r\nContent-Length: 110\r\nConnection: close\r\n\r\n" + good), provider.Limits{},
			outcome{status: 200, code: "answer_cut_short", salvaged: "new-refresh"}},
		{"it announces no length", says("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + good), provider.Limits{},
			outcome{access: "new-access", refresh: "new-refresh"}},
		{"its chunks are broken", says("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n40\r\n" + good[:64] + "\r\nzz\r\n"), provider.Limits{},
			outcome{status: 200, code: "answer_cut_short"}},
		{"its body is empty", says(ok("")), provider.Limits{},
			outcome{status: 200, code: "not_an_oauth_answer"}},
		{"it says 204", says("HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n"), provider.Limits{},
			outcome{status: 204, code: "not_an_oauth_answer"}},
		{"it says 201", says(response("201 Created", "", good)), provider.Limits{},
			outcome{access: "new-access", refresh: "new-refresh"}},
		{"its body has two mebibytes", says(ok(`{"refresh_token":"new-refresh","x":"` + strings.Repeat("x", 2<<20) + `"}`)), provider.Limits{},
			outcome{status: 200, code: "answer_too_large", salvaged: "new-refresh"}},
		{"its body is packed though nobody asked", says(packed(good)), provider.Limits{},
			outcome{access: "new-access", refresh: "new-refresh"}},
		{"its packed body is a bomb", says(packed(`{"refresh_token":"new-refresh","x":"` + strings.Repeat("x", 8<<20) + `"}`)), provider.Limits{},
			outcome{status: 200, code: "answer_too_large", salvaged: "new-refresh"}},
		{"it claims to pack and does not", says(response("200 OK", "Content-Encoding: gzip\r\n", good)), provider.Limits{},
			outcome{access: "new-access", refresh: "new-refresh"}},
		{"its packed body breaks off at once", says(response("200 OK", "", "\x1f\x8b")), provider.Limits{},
			outcome{status: 200, code: "answer_cut_short"}},

		// The content.
		{"a captive portal's page", says(response("200 OK", "Content-Type: text/html; charset=utf-8\r\n", "<html>Please log in</html>")), provider.Limits{},
			outcome{status: 200, code: "not_an_oauth_answer", says: "text/html, 26 bytes"}},
		{"a page that quotes our secrets", says(response("200 OK", "Content-Type: canary-client-secret+/=\r\n", "<html>"+clientSecret+refreshToken)), provider.Limits{},
			outcome{status: 200, code: "not_an_oauth_answer"}},

		{"a string", says(ok(`"new-access"`)), provider.Limits{},
			outcome{status: 200, code: "not_an_oauth_answer"}},
		{"a byte order mark", says(ok("\ufeff" + good)), provider.Limits{},
			outcome{access: "new-access", refresh: "new-refresh"}},
		{"text behind the object", says(ok(good + "\n<!-- served by x -->")), provider.Limits{},
			outcome{access: "new-access", refresh: "new-refresh"}},
		{"a comma too many", says(ok(strings.TrimSuffix(good, "}") + ",}")), provider.Limits{},
			outcome{access: "new-access", refresh: "new-refresh"}},
		{"a comma too few", says(ok(`{"refresh_token":"new-refresh" "access_token":"a"}`)), provider.Limits{},
			outcome{status: 200, code: "answer_malformed", salvaged: "new-refresh"}},
		{"truncation behind the refresh token", says(ok(`{"expires_in":1209599,"refresh_token":"new-refresh","access_tok`)), provider.Limits{},
			outcome{status: 200, code: "answer_cut_short", salvaged: "new-refresh"}},
		{"truncation within the refresh token", says(ok(`{"access_token":"new-access","refresh_token":"new-ref`)), provider.Limits{},
			outcome{status: 200, code: "answer_cut_short"}},
		{"no access token but a refresh token", says(ok(`{"refresh_token":"new-refresh"}`)), provider.Limits{},
			outcome{status: 200, code: "no_access_token", salvaged: "new-refresh"}},
		{"an empty access token", says(ok(`{"access_token":"","refresh_token":"new-refresh"}`)), provider.Limits{},
			outcome{status: 200, code: "no_access_token", salvaged: "new-refresh"}},
		{"an access token that is true", says(ok(`{"access_token":true,"refresh_token":"new-refresh"}`)), provider.Limits{},
			outcome{status: 200, code: "no_access_token", salvaged: "new-refresh", says: "access_token is not a string"}},
		{"an access token with a line break", says(ok(`{"access_token":"a\r\nX: y","refresh_token":"new-refresh"}`)), provider.Limits{},
			outcome{status: 200, code: "no_access_token", salvaged: "new-refresh"}},
		{"only the refresh token that was sent", says(ok(`{"refresh_token":"` + refreshToken + `"}`)), provider.Limits{},
			outcome{status: 200, code: "no_access_token"}},
		{"a token type that is not bearer", says(ok(`{"access_token":"new-access","token_type":"mac","refresh_token":"new-refresh"}`)), provider.Limits{},
			outcome{status: 200, code: "not_a_bearer_token", salvaged: "new-refresh"}},
		{"no refresh token", says(ok(`{"access_token":"new-access"}`)), provider.Limits{}, outcome{access: "new-access"}},
		{"an empty refresh token", says(ok(`{"access_token":"new-access","refresh_token":""}`)), provider.Limits{}, outcome{access: "new-access"}},
		{"a null refresh token", says(ok(`{"access_token":"new-access","refresh_token":null}`)), provider.Limits{}, outcome{access: "new-access"}},
		{"a refresh token twice, the second time empty", says(ok(`{"refresh_token":"new-refresh","access_token":"new-access","refresh_token":""}`)), provider.Limits{},
			outcome{access: "new-access", refresh: "new-refresh"}},
		{"an error with status 200", says(ok(`{"error":"temporarily_unavailable","error_description":"later"}`)), provider.Limits{},
			outcome{status: 200, code: "temporarily_unavailable", says: "later"}},
		{"invalid_grant with status 200 beside a refresh token", says(ok(`{"error":"invalid_grant","refresh_token":"new-refresh"}`)), provider.Limits{},
			outcome{status: 200, kind: provider.Rejected, code: "invalid_grant", salvaged: "new-refresh"}},
		{"the gateway's error with status 200", says(ok(`{"message":"busy","errors":[{"description":"come back"}]}`)), provider.Limits{},
			outcome{status: 200, code: "error_without_code", says: "come back"}},

		// Redirects.
		{"301 to another host", says(moved("301 Moved Permanently", second)), provider.Limits{}, outcome{status: 301, code: "redirect_refused", says: "redirects to host 127.0.0.1"}},
		{"307 to another host", says(moved("307 Temporary Redirect", second)), provider.Limits{}, outcome{status: 307, code: "redirect_refused"}},
		{"308 to another host", says(moved("308 Permanent Redirect", second)), provider.Limits{}, outcome{status: 308, code: "redirect_refused"}},
		{"303 to a host that is our secret", says(response("303 See Other", "Location: http://"+refreshToken+".example/\r\n", "")), provider.Limits{}, outcome{status: 303, code: "redirect_refused"}},
		{"302 to nowhere", says(response("302 Found", "", "")), provider.Limits{}, outcome{status: 302, code: "redirect_refused", says: "(none)"}},
		{"101 in the middle of nothing", says("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n"), provider.Limits{}, outcome{status: 101, code: "switching_protocols"}},

		// Errors that write our request back.
		{"a 403 that echoes the form", says(response("403 Forbidden", "", `{"error":"forbidden","error_description":"client_secret=canary-client-secret%2B%2F%3D&refresh_token=`+refreshToken+`"}`)), provider.Limits{},
			outcome{status: 403, code: "forbidden", says: "[redacted]"}},
		{"a 400 whose code is our refresh token", says(response("400 Bad Request", "", `{"error":"`+refreshToken+`","trackingId":"`+clientSecret+`"}`)), provider.Limits{},
			outcome{status: 400, code: "[redacted]"}},
		{"a 500 with a page", says(response("500 Internal Server Error", "Content-Type: text/html\r\n", "<h1>oops</h1>")), provider.Limits{},
			outcome{status: 500, code: "internal_server_error", says: "text/html"}},
		{"a status nobody knows", says(response("799 What", "", "")), provider.Limits{}, outcome{status: 799, code: "unknown_status"}},
		{"a description of a megabyte", says(response("400 Bad Request", "", `{"error":"x","error_description":"`+strings.Repeat("ä", 20000)+`"}`)), provider.Limits{},
			outcome{status: 400, code: "x", says: "ää"}},
		{"a description that would forge a log line", says(response("400 Bad Request", "", `{"error":"x","error_description":"a\nlevel=error \u001b[31m\u202e"}`)), provider.Limits{},
			outcome{status: 400, code: "x", says: `a\nlevel=error \x1b[31m\u202e`}},
	}
	for _, row := range table {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			e := serve(t, row.script)
			c := client(t, provider.Config{Limits: row.limits})
			a, err := c.Refresh(t.Context(), integration(t, e.url), request())
			checkPrivacy(t, a, err)
			if n := len(e.requests()); n != 1 {
				t.Errorf("the request was sent %d times", n)
			}
			if row.want.access != "" {
				if err != nil {
					t.Fatalf("refresh failed: %v", err)
				}
				if got := a.Access.Reveal(); got != row.want.access {
					t.Errorf("access token %q, want %q", got, row.want.access)
				}
				if got := a.Refresh.Reveal(); got != row.want.refresh {
					t.Errorf("refresh token %q, want %q", got, row.want.refresh)
				}
				return
			}
			checkFailure(t, failure(t, err), row.want)
		})
	}
}

func checkFailure(t *testing.T, f *provider.Failure, want outcome) {
	t.Helper()
	if f.Kind != want.kind || f.Code != want.code || f.Status != want.status {
		t.Errorf("kind %d, code %q, status %d; want %d, %q, %d", f.Kind, f.Code, f.Status, want.kind, want.code, want.status)
	}
	if !f.Sent || f.Answered == want.unanswered {
		t.Errorf("sent %v, answered %v; want true, %v", f.Sent, f.Answered, !want.unanswered)
	}
	if got := f.Salvaged.Reveal(); got != want.salvaged {
		t.Errorf("salvaged %q, want %q", got, want.salvaged)
	}
	if !strings.Contains(f.Description, want.says) || len(f.Description) > 200 {
		t.Errorf("description %q (%d bytes), want one with %q", f.Description, len(f.Description), want.says)
	}
}

// reset writes a text and then resets the connection.
func reset(text string) func(net.Conn) {
	return func(conn net.Conn) {
		_, _ = io.WriteString(conn, text)
		_ = conn.(*net.TCPConn).SetLinger(0)
	}
}

// hang writes a text and then nothing until the client gives up.
func hang(text string) func(net.Conn) {
	return func(conn net.Conn) {
		_, _ = io.WriteString(conn, text)
		_, _ = io.Copy(io.Discard, conn)
	}
}

// trickle writes text, then single spaces until the client gives up.
func trickle(head, text string) func(net.Conn) {
	return func(conn net.Conn) {
		_, err := io.WriteString(conn, head+text)
		for tick := time.NewTicker(5 * time.Millisecond); err == nil; <-tick.C {
			_, err = io.WriteString(conn, " ")
		}
	}
}

// pieces writes a text in segments of one byte.
func pieces(text string) func(net.Conn) {
	return func(conn net.Conn) {
		_ = conn.(*net.TCPConn).SetNoDelay(true)
		for i := range text {
			_, _ = io.WriteString(conn, text[i:i+1])
		}
	}
}

func packed(body string) string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = io.WriteString(w, body)
	_ = w.Close()
	return response("200 OK", "Content-Encoding: gzip\r\n", b.String())
}

func moved(status string, to *endpoint) string {
	return response(status, fmt.Sprintf("Location: %s/oauth?x=1\r\n", to.url), "")
}
