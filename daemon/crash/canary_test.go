package crash_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"

	"webex-tokend/daemon/emulator"
	"webex-tokend/daemon/emulator/lab"
)

// A ledger remembers every token that the server ever put into an answer, also
// into those that a script cut or lost.
type ledger struct {
	http.Handler
	mu     sync.Mutex
	tokens map[string]bool
}

var tokenInAnswer = regexp.MustCompile(`"(?:access|refresh)_token"\s*:\s*"([^"]{20,})`)

func (l *ledger) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	l.Handler.ServeHTTP(&ledgerWriter{w, l}, r)
}

func (l *ledger) note(text []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, m := range tokenInAnswer.FindAllSubmatch(text, -1) {
		l.tokens[string(m[1])] = true
	}
}

func (l *ledger) all() (tokens []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for token := range l.tokens {
		tokens = append(tokens, token)
	}
	return tokens
}

type ledgerWriter struct {
	http.ResponseWriter
	ledger *ledger
}

func (w *ledgerWriter) Write(p []byte) (int, error) {
	w.ledger.note(p)
	return w.ResponseWriter.Write(p)
}

func (w *ledgerWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// fragments are parts of a secret by which it is found even where it was cut.
// The end of a token names the organisation and is no secret.
func fragments(secret string) (parts []string) {
	const size = 20
	for at := 0; at+size <= min(len(secret), 3*size); at += size {
		parts = append(parts, secret[at:at+size])
	}
	return parts
}

// leaks counts the secrets of which a part stands in a text.
func leaks(text []byte, secrets []string) (n int) {
	for _, s := range secrets {
		for _, part := range fragments(s) {
			if bytes.Contains(text, []byte(part)) {
				n++
				break
			}
		}
	}
	return n
}

// mishaps are answers of a server on a bad day, some of which hold or echo what
// must not get about.
func mishaps(elsewhere string) []emulator.Answer {
	echo := lab.Func(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusForbidden)
		fmt.Fprintf(w, `{"error":"access_denied","error_description":"%s"}`, r.PostForm.Encode())
	})
	echoInText := lab.Func(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusBadGateway)
		fmt.Fprintf(w, "<html>%s %s</html>", r.PostForm.Get("client_secret"), r.PostForm.Get("refresh_token"))
	})
	return []emulator.Answer{
		lab.Behave(), lab.Truncate(40), lab.Truncate(150), lab.Truncate(600), lab.Lose(), lab.Cut(),
		lab.Redirect(http.StatusTemporaryRedirect, elsewhere), echo, echoInText, lab.Limit("1"), lab.Limit("soon"),
		lab.Reply(500, nil, "oops"), lab.Reply(200, nil, "<html>portal</html>"),
		lab.Alter(func(f map[string]any) { delete(f, "access_token") }),
		lab.Alter(func(f map[string]any) { f["token_type"] = f["refresh_token"] }),
		lab.Alter(func(f map[string]any) { f["expires_in"] = f["refresh_token"] }),
		lab.Alter(func(f map[string]any) { f["scope"], f["refresh_token"] = f["refresh_token"], []any{f["refresh_token"]} }),
	}
}

// ask speaks plain HTTP to the socket and returns whatever comes.
func (h *host) ask(method, path, body string) []byte {
	h.t.Helper()
	ctx, cancel := patience(h.t)
	defer cancel()
	c := http.Client{Transport: &http.Transport{DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", filepath.Join(h.dir, "run", "api.sock"))
		}}}
	r, err := http.NewRequestWithContext(ctx, method, "http://localhost"+path, strings.NewReader(body))
	if err != nil {
		h.t.Fatal(err)
	}
	resp, err := c.Do(r)
	if err != nil {
		h.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		h.t.Fatal(err)
	}
	return text
}

func TestNoSecretGetsAnywhereButWhereItBelongs(t *testing.T) {
	h := newHost(t, longGrace)
	client := h.webex.Client(emulator.REST)
	d := h.start("daemon")
	c := h.speak()
	names := h.registerFleet(c, fleetSize)
	var seen bytes.Buffer
	for round, answer := range mishaps(h.url) {
		h.webex.Script(answer)
		name := names[round%len(names)]
		seen.Write(h.ask("POST", "/v1/grants/"+name+"/refresh", ""))
		seen.Write(h.ask("GET", "/v1/grants/"+name, ""))
	}
	h.webex.RejectClient(client.ID, true)
	seen.Write(h.ask("POST", "/v1/grants/"+names[0]+"/refresh", ""))
	h.webex.RejectClient(client.ID, false)
	stray := h.webex.Issue(emulator.REST, emulator.Consent{})
	h.ledger.note(stray.Response)
	for _, path := range []string{"/v1/grants/nobody", "/v1/grants/ops-0?format=wtr", "/v1/grants/ops-0?issued_at=x"} {
		seen.Write(h.ask("PUT", path, string(stray.Response[:len(stray.Response)-3])))
	}
	seen.Write(h.ask("POST", "/v1/import", `{"grant":"ops-1","access_token":"`+stray.AccessToken+`","refresh_token":7}`+"\n{"+stray.RefreshToken))
	for _, path := range []string{"/v1/status", "/v1/grants", "/healthz", "/readyz", "/metrics", "/v1/grants/ops-0/token?min_valid=9999h"} {
		seen.Write(h.ask("GET", path, ""))
	}
	surface := d.surface(t)
	if err := d.cmd.Process.Signal(syscall.SIGQUIT); err != nil { // a panic's traces of all goroutines
		t.Fatal(err)
	}
	d.wait()

	secrets := h.ledger.all()
	if len(secrets) < len(names) {
		t.Fatalf("the ledger knows %d tokens", len(secrets))
	}
	secrets = append(secrets, client.Secret)
	for what, text := range map[string][]byte{"answers": seen.Bytes(), "the log": d.err.Bytes(),
		"arguments and environment": surface, "standard output": d.out.Bytes()} {
		if len(text) == 0 && what != "standard output" {
			t.Errorf("%s are empty: nothing was searched", what)
		}
		if n := leaks(text, secrets); n > 0 {
			t.Errorf("%d secrets in %s", n, what)
		}
	}
	found := h.searchFolder(secrets)
	if found == 0 {
		t.Error("not even the token files hold a token: the search proves nothing")
	}
}

// surface is what a process shows of itself.
func (p *process) surface(t *testing.T) (text []byte) {
	t.Helper()
	for _, name := range []string{"cmdline", "environ"} {
		b, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", p.cmd.Process.Pid, name))
		if err != nil {
			t.Fatal(err)
		}
		text = append(text, b...)
	}
	return text
}

// searchFolder looks at every file of the host but those that are to hold
// secrets, and counts the tokens in the files of their own grants.
func (h *host) searchFolder(secrets []string) (own int) {
	h.t.Helper()
	tokens := filepath.Join(h.dir, "run", "tokens")
	err := filepath.WalkDir(h.dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() || path == filepath.Join(h.dir, "secret") {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		n := leaks(text, secrets)
		switch {
		case n == 0:
		case n == 1 && filepath.Dir(path) == tokens:
			own++
		default:
			h.t.Errorf("%d secrets in %s", n, path)
		}
		return nil
	})
	if err != nil {
		h.t.Error(err)
	}
	return own
}
