package main

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"webex-tokend/daemon/emulator"
)

// An estate is a host with a daemon, and an emulated Webex whose API also
// takes messages and requests in XML.
type estate struct {
	t      *testing.T
	dir    string // stands for the root of the host
	webex  *emulator.Emulator
	server *httptest.Server

	messages chan string // the token of each message that was taken
}

func newEstate(t *testing.T) *estate {
	t.Helper()
	return newEstateWith(t, emulator.Config{Calm: true})
}

func newEstateWith(t *testing.T, cfg emulator.Config) *estate {
	t.Helper()
	e := &estate{
		t: t, dir: t.TempDir(),
		webex:    emulator.New(cfg),
		messages: make(chan string, 16),
	}
	routes := http.NewServeMux()
	routes.Handle("/", e.webex)
	routes.HandleFunc("POST /v1/messages", e.takeMessage)
	routes.HandleFunc("POST /WBXService/XMLService", e.takeXML)
	e.server = httptest.NewServer(routes)
	t.Cleanup(func() {
		e.server.CloseClientConnections()
		e.server.Close()
	})
	if err := storeKey(e.path(".credentials")); err != nil {
		t.Fatal(err)
	}
	for _, kind := range []emulator.Kind{emulator.REST, emulator.Meetings} {
		e.write("/etc/webex-tokend/"+string(kind)+".secret", e.webex.Client(kind).Secret)
	}
	return e
}

func (e *estate) takeMessage(w http.ResponseWriter, r *http.Request) {
	token, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !e.webex.ValidAccess(token) {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	e.messages <- token
	fmt.Fprint(w, "{}")
}

// path is where something of the host is in this test.
func (e *estate) path(of string) string { return filepath.Join(e.dir, of) }

func (e *estate) write(path, content string) {
	e.t.Helper()
	path = e.path(path)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		e.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		e.t.Fatal(err)
	}
}

func (e *estate) read(path string) string {
	e.t.Helper()
	content, err := os.ReadFile(e.path(path))
	if err != nil {
		e.t.Fatal(err)
	}
	return string(content)
}

// here replaces what a text says of the host and of Webex.
func (e *estate) here(text string) string {
	return strings.NewReplacer(
		"/run/webex-tokend", e.path("/run/webex-tokend"),
		"/etc/webex-tokend", e.path("/etc/webex-tokend"),
		"https://webexapis.com", e.server.URL,
		"https://api.webex.com", e.server.URL,
	).Replace(text)
}

// declare writes the configuration: the integrations, and the given blocks.
func (e *estate) declare(blocks string) {
	e.t.Helper()
	config := fmt.Sprintf("state_dir   = %q\nruntime_dir = %q\n", e.path("/var/lib/webex-tokend"), e.path("/run/webex-tokend"))
	for name, client := range map[string]emulator.Client{"crm": e.webex.Client(emulator.REST), "meetings": e.webex.Client(emulator.Meetings)} {
		tokens := map[string]string{"crm": emulator.TokenPath, "meetings": emulator.MeetingsTokenPath}[name]
		config += fmt.Sprintf(`
integration %q {
  kind               = %q
  client_id          = %q
  client_secret_file = %q
  token_url          = %q
  min_interval       = "1s"
}
`, name, client.Kind, client.ID, e.path("/etc/webex-tokend/"+string(client.Kind)+".secret"), e.server.URL+tokens)
	}
	config = strings.Replace(config, "kind               = \"meetings\"\n", "kind               = \"meetings\"\n  site = \"acme\"\n", 1)
	e.write("/etc/webex-tokend/config.hcl", config+e.here(blocks))
}

// start runs the daemon until the test ends.
func (e *estate) start() {
	e.t.Helper()
	var log bytes.Buffer
	cmd := e.command("webex-tokend", "run", "--config", e.path("/etc/webex-tokend/config.hcl"))
	cmd.Stderr = &log
	cmd.Env = append(cmd.Env, "HTTPS_PROXY="+nowhere)
	if err := cmd.Start(); err != nil {
		e.t.Fatal(err)
	}
	e.t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		if err := cmd.Wait(); err != nil || e.t.Failed() {
			e.t.Errorf("the daemon ended with %v and said\n%s", err, &log)
		}
	})
	e.until("the daemon answers", func() bool { return e.command("webex-tokend", "status").Run() == nil })
}

// register imports the grant with a consent of its own.
func (e *estate) register(grant string, kind emulator.Kind) {
	e.t.Helper()
	cmd := e.command("webex-tokend", "import", grant)
	cmd.Stdin = bytes.NewReader(e.webex.Issue(kind, emulator.Consent{}).Response)
	if out, err := cmd.CombinedOutput(); err != nil {
		e.t.Fatalf("import: %v, %s", err, out)
	}
}

// command runs a program as one of the host.
func (e *estate) command(name string, args ...string) *exec.Cmd {
	cmd := exec.Command(name, args...)
	cmd.Dir = e.dir
	cmd.Env = append(os.Environ(),
		"WEBEX_TOKEND_SOCKET="+e.path("/run/webex-tokend/api.sock"),
		"CREDENTIALS_DIRECTORY="+e.path(".credentials"),
		"WEBEX_URL="+e.server.URL,
		"GORACE=atexit_sleep_ms=0",
	)
	return cmd
}

// output runs a program that must succeed.
func (e *estate) output(name string, args ...string) string {
	e.t.Helper()
	cmd := e.command(name, args...)
	var complaint bytes.Buffer
	cmd.Stderr = &complaint
	out, err := cmd.Output()
	if err != nil {
		e.t.Fatalf("%s: %v\n%s%s", name, err, out, &complaint)
	}
	return string(out)
}

// until waits for something that other processes bring about.
func (e *estate) until(what string, holds func() bool) {
	e.t.Helper()
	for end := time.Now().Add(patience); !holds(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			e.t.Fatalf("never: %s", what)
		}
	}
}

// needs skips a test without these programs. Where everything is installed by
// the check itself, their lack is a failure.
func needs(t *testing.T, programs ...string) {
	t.Helper()
	for _, program := range programs {
		if _, err := exec.LookPath(program); err != nil {
			lacks(t, program)
		}
	}
}

func lacks(t *testing.T, what string) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatalf("%s is missing, which .ci/run installs", what)
	}
	t.Skipf("needs %s", what)
}
