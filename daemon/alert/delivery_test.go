package alert_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"

	"webex-tokend/daemon/alert"
	"webex-tokend/daemon/config"
	"webex-tokend/daemon/configfile"
	"webex-tokend/daemon/event"
	"webex-tokend/daemon/fleet"
	"webex-tokend/daemon/provider"
	"webex-tokend/daemon/registry"
	"webex-tokend/daemon/report"
	"webex-tokend/store"
	"webex-tokend/store/storetest"
)

// A desk is alerts on the real network in real time. Its log is a channel of
// lines.
type desk struct {
	t      *testing.T
	fleet  *fleet.Fleet
	alerts *alert.Alerts
	lines  chan string
}

func (d *desk) Write(p []byte) (int, error) {
	d.lines <- string(p)
	return len(p), nil
}

// newDesk takes the lines of an alert block.
func newDesk(t *testing.T, block string) *desk {
	t.Helper()
	parsed, err := configfile.Parse([]byte("integration \"bots\" {\n  kind = \"static\"\n}\ngrant \"bot-*\" {\n  integration = \"bots\"\n}\nalert {\n"+block+"\n}\n"), "test.hcl")
	if err != nil {
		t.Fatal(err)
	}
	kept, err := store.Open(t.Context(), new(storetest.Memory), store.Config{})
	if err != nil {
		t.Fatal(err)
	}
	d := &desk{t: t, lines: make(chan string, 100)}
	stream := event.NewStream(nil)
	d.fleet = fleet.New(fleet.Config{Events: stream, Store: kept, Config: parsed, Provider: provider.New(provider.Config{})})
	d.alerts = alert.New(alert.Config{Report: report.New(report.Config{Store: kept, Config: func() *config.Config { return parsed }, States: d.fleet.States, Trust: d.fleet.Trust, Clients: d.fleet.Circuits, Endpoints: d.fleet.Endpoints}), Store: kept, Config: func() *config.Config { return parsed },
		Log: hclog.New(&hclog.LoggerOptions{Output: d, DisableTime: true})})
	ctx, cancel := context.WithCancel(context.Background())
	var ended sync.WaitGroup
	events := stream.Subscribe(event.Latest)
	ended.Go(func() { d.alerts.Run(ctx, events) })
	t.Cleanup(func() {
		cancel()
		ended.Wait()
		if err := d.fleet.Stop(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return d
}

// end registers a token that ends in a day, and so makes an alert.
func (d *desk) end(name string) {
	d.t.Helper()
	var reg registry.Registration
	reg.Access, reg.AccessLife = store.NewSecret("token-of-"+name), 24*time.Hour
	if _, err := d.fleet.Registry.Register(d.t.Context(), name, reg); err != nil {
		d.t.Fatal(err)
	}
	d.alerts.Look()
}

// says waits for a line of the log.
func (d *desk) says(want string) string {
	d.t.Helper()
	for {
		select {
		case line := <-d.lines:
			if strings.Contains(line, want) {
				return line
			}
		case <-time.After(time.Minute):
			d.t.Fatalf("the log never says %q", want)
		}
	}
}

// A posted message, as it arrived.
type posted struct {
	header http.Header
	body   []byte
}

func hook(t *testing.T, answer http.HandlerFunc) (url string, posts chan posted) {
	posts = make(chan posted, 100)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil || r.Method != http.MethodPost || r.URL.Path != "/path-that-is-secret" {
			t.Errorf("%s %s, %v", r.Method, r.URL, err)
		}
		posts <- posted{r.Header, body}
		answer(w, r)
	}))
	t.Cleanup(server.Close)
	return server.URL + "/path-that-is-secret", posts
}

func ok(http.ResponseWriter, *http.Request) {}

func TestAWebhookGetsAMessageThatItCanVerify(t *testing.T) {
	file := filepath.Join(t.TempDir(), "secret")
	url, posts := hook(t, ok)
	d := newDesk(t, fmt.Sprintf("webhook_url = %q\nwebhook_secret_file = %q", url, file))
	for _, secret := range []string{"first", "exchanged"} { // it is read each time
		if err := os.WriteFile(file, []byte(secret+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		d.end("bot-" + secret)
		p := <-posts
		mac := hmac.New(sha256.New, []byte(secret))
		fmt.Fprintf(mac, "%s.%s", p.header.Get("Webex-Tokend-Timestamp"), p.body)
		if got := p.header.Get("Webex-Tokend-Signature"); got != hex.EncodeToString(mac.Sum(nil)) {
			t.Errorf("the signature is %q", got)
		}
		if p.header.Get("Content-Type") != "application/json" {
			t.Errorf("the headers are %v", p.header)
		}
	}
}

func TestAMessageHasTheFieldsThatAreDrawn(t *testing.T) {
	url, posts := hook(t, ok)
	d := newDesk(t, fmt.Sprintf("webhook_url = %q", url))
	d.end("bot-1")
	p := <-posts
	var fields map[string]any
	if err := json.Unmarshal(p.body, &fields); err != nil {
		t.Fatal(err)
	}
	var names []string
	for name := range fields {
		names = append(names, name)
	}
	slices.Sort(names)
	want := strings.Fields("action at count grant grants host id incident integration kind reason resolved severity state text window_ends_at")
	if !slices.Equal(names, want) {
		t.Errorf("fields are %q", names)
	}
	if strings.Contains(string(p.body), "token-of-") {
		t.Error("the message holds the token")
	}
	if p.header.Get("Webex-Tokend-Signature") != "" {
		t.Error("without a secret it is signed")
	}
	d.says("alert: kind=token")
}

func TestWhatAWebhookDoesNotTakeIsAFailureThatKeepsItsPath(t *testing.T) {
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("the redirect was followed") }))
	defer elsewhere.Close()
	for _, test := range []struct {
		name   string
		answer http.HandlerFunc
		want   string
	}{
		{"it fails", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) }, "it answers 502"},
		{"it leads elsewhere", func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, elsewhere.URL, http.StatusTemporaryRedirect)
		}, "it answers 307"},
		{"it hangs up", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, "EOF"},
	} {
		t.Run(test.name, func(t *testing.T) {
			url, posts := hook(t, test.answer)
			d := newDesk(t, fmt.Sprintf("webhook_url = %q", url))
			d.end("bot-1")
			<-posts
			line := d.says("alert not delivered, trying again: way=webhook")
			if !strings.Contains(line, test.want) || strings.Contains(line, "path-that-is-secret") {
				t.Errorf("the log says %s", line)
			}
		})
	}
}

func TestWithoutItsSecretNothingIsPosted(t *testing.T) {
	url, posts := hook(t, ok)
	d := newDesk(t, fmt.Sprintf("webhook_url = %q\nwebhook_secret_file = %q", url, filepath.Join(t.TempDir(), "none")))
	d.end("bot-1")
	d.says("sign alert: read secret file: ")
	if len(posts) > 0 {
		t.Error("it was posted unsigned")
	}
}

func TestACommandGetsTheMessage(t *testing.T) {
	fifo := filepath.Join(t.TempDir(), "fifo")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("WEBEX_TEST_OF_THE_DAEMON", "private")
	d := newDesk(t, fmt.Sprintf(`command = ["/bin/sh", "-c", "(cat; env | grep WEBEX_ | sort) >\"$0\"", %q]`, fifo))
	d.end("bot-1")
	told, err := os.ReadFile(fifo)
	if err != nil {
		t.Fatal(err)
	}
	message, environment, _ := strings.Cut(string(told), "\n")
	var m alert.Message
	if err := json.Unmarshal([]byte(message), &m); err != nil {
		t.Fatal(err)
	}
	want := strings.Join([]string{
		"WEBEX_TOKEND_ACTION=webex-tokend import bot-1",
		"WEBEX_TOKEND_ALERT=token",
		"WEBEX_TOKEND_GRANT=bot-1",
		"WEBEX_TOKEND_INTEGRATION=bots",
		"WEBEX_TOKEND_RESOLVED=false",
		"WEBEX_TOKEND_SEVERITY=critical",
		"WEBEX_TOKEND_TEXT=" + m.Text,
	}, "\n") + "\n"
	if environment != want || m.Grant != "bot-1" || m.Text == "" {
		t.Errorf("it is told %+v with\n%s", m, environment)
	}
}

func TestAWayThatHangsOrFailsHoldsUpNoOther(t *testing.T) {
	for name, script := range map[string]string{"hangs": "exec sleep 1000", "fails": "echo no luck >&2; exit 3"} {
		t.Run(name, func(t *testing.T) {
			url, posts := hook(t, ok)
			d := newDesk(t, fmt.Sprintf("command = [\"/bin/sh\", \"-c\", %q]\nwebhook_url = %q", script, url))
			for i := range 3 {
				d.end(fmt.Sprint("bot-", i))
				<-posts
			}
			if name == "fails" {
				d.says("run /bin/sh: exit status 3: no luck")
			}
		})
	}
}
