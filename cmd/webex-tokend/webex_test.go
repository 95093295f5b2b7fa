package main

import (
	"encoding/json"
	"flag"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"webex-tokend/daemon/duration"
	"webex-tokend/daemon/emulator"
	"webex-tokend/daemon/emulator/lab"
)

// An emulated is the Webex of one script, and the key under which scripts keep it.
type emulated struct {
	*emulator.Emulator
	arrived, release chan struct{} // of the token request that is held
	ahead            atomic.Int64  // how far its clock is, in nanoseconds
}

// webex is what a script does with Webex:
//
//	start FLAG...    sets $WEBEX to its URL, $REST_ID, $MEETINGS_ID and $DEVICE_ID
//	                 to client IDs, and writes KIND.secret and a token response,
//	                 KIND.json
//	issue KIND FILE  writes the token response of another consent
//	hold             does what the next token request asks, keeps the answer back
//	arrived          waits until that request has come
//	release          lets its answer go
//	lose             does what the next token request asks and loses the answer
//	limit TEXT       answers the next token request with 429 and that Retry-After
//	down             goes away
//	up               comes back
//	revoke FILE      ends the grant of a token response
//	rotate KIND      gives a client a new secret, in KIND.secret.new
//	grant FILE       accepts the device flow whose code stands in that text
//	deny FILE        declines it
//	later DURATION   moves its clock
//	browse FROM TO   consents at the link in a text, writes the address at the end
//	decline FROM TO  declines there
//	asked N          compares how many refreshes were asked for
func webex(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: webex WORD ARG...")
	}
	w := ts.Value(emulated{}).(*emulated)
	word, args := args[0], args[1:]
	if w.Emulator == nil && word != "start" {
		ts.Fatalf("webex is not started")
	}
	argument := func(n int) string {
		if n >= len(args) {
			ts.Fatalf("webex %s takes more arguments", word)
		}
		return args[n]
	}
	switch word {
	case "start":
		w.start(ts, args)
	case "issue":
		write(ts, argument(1), string(w.Issue(emulator.Kind(argument(0)), emulator.Consent{}).Response))
	case "hold":
		w.arrived, w.release = make(chan struct{}), make(chan struct{})
		w.Script(lab.Hold(w.arrived, w.release))
	case "arrived":
		select {
		case <-w.arrived:
		case <-time.After(patience):
			ts.Fatalf("no token request came")
		}
	case "release":
		close(w.release)
	case "lose":
		w.Script(lab.Lose())
	case "limit":
		w.Script(lab.Limit(argument(0)))
	case "down", "up":
		w.Down(word == "down")
	case "revoke":
		var response struct {
			RefreshToken string `json:"refresh_token"`
		}
		ts.Check(json.Unmarshal([]byte(ts.ReadFile(argument(0))), &response))
		if !w.Revoke(response.RefreshToken) {
			ts.Fatalf("%s holds no refresh token that works", args[0])
		}
	case "rotate":
		client := w.Client(emulator.Kind(argument(0)))
		write(ts, args[0]+".secret.new", w.RotateSecret(client.ID))
	case "asked":
		n := 0
		for _, call := range w.Calls() {
			if call.GrantType == "refresh_token" {
				n++
			}
		}
		if strconv.Itoa(n) != argument(0) {
			ts.Fatalf("%d refreshes were asked for", n)
		}
	case "grant", "deny":
		w.decideDevice(ts, argument(0), word == "grant")
	case "later":
		d, err := time.ParseDuration(argument(0))
		ts.Check(err)
		w.ahead.Add(int64(d))
	case "browse":
		write(ts, argument(1), w.browse(ts, argument(0), "accept"))
	case "decline":
		write(ts, argument(1), w.browse(ts, argument(0), "decline"))
	default:
		ts.Fatalf("unknown: webex %s", word)
	}
}

func (w *emulated) start(ts *testscript.TestScript, args []string) {
	cfg := emulator.Config{Calm: true, Now: func() time.Time { return time.Now().Add(time.Duration(w.ahead.Load())) }}
	flags := flag.NewFlagSet("webex start", flag.ContinueOnError)
	flags.Func("access-life", "", lifeInto(&cfg.AccessLife))
	flags.Func("refresh-life", "", lifeInto(&cfg.RefreshLife))
	flags.Func("redirect", "", func(uri string) error { cfg.RedirectURIs = append(cfg.RedirectURIs, uri); return nil })
	flags.BoolVar(&cfg.Rotate, "rotate", false, "")
	ts.Check(flags.Parse(args))
	w.Emulator = emulator.New(cfg)
	server := httptest.NewServer(w)
	ts.Defer(func() {
		server.CloseClientConnections()
		server.Close()
	})
	ts.Setenv("WEBEX", server.URL)
	announced := w.Announcement(server.URL)
	for _, kind := range []emulator.Kind{emulator.REST, emulator.Meetings, emulator.Device} {
		ts.Setenv(strings.ToUpper(string(kind))+"_ID", announced.Clients[kind].ClientID)
		write(ts, string(kind)+".secret", announced.Clients[kind].ClientSecret)
		write(ts, string(kind)+".json", string(announced.Responses[kind]))
	}
}

// awaitMatch returns the first match in a file that another program writes.
func awaitMatch(ts *testscript.TestScript, file, pattern string) string {
	wanted := regexp.MustCompile(pattern)
	for end := time.Now().Add(patience); ; time.Sleep(10 * time.Millisecond) {
		text, _ := os.ReadFile(ts.MkAbs(file))
		if found := wanted.FindSubmatch(text); found != nil {
			return string(found[1])
		}
		if time.Now().After(end) {
			ts.Fatalf("no %q appears in %s: %s", pattern, file, text)
		}
	}
}

func (w *emulated) decideDevice(ts *testscript.TestScript, file string, accept bool) {
	code := awaitMatch(ts, file, `enter the code:  ([0-9]{6})\n`)
	if accept && !w.ApproveDevice(code, "") || !accept && !w.DenyDevice(code) {
		ts.Fatalf("no device flow waits under %s", code)
	}
}

// browse does what a person does at the link that stands in a text, and returns
// the address at which the browser ends, whether anybody listens there or not.
func (w *emulated) browse(ts *testscript.TestScript, file, decision string) string {
	link := awaitMatch(ts, file, `  (https?://\S+)\n`)
	browser := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := browser.PostForm(link, url.Values{"decision": {decision}})
	ts.Check(err)
	ts.Check(resp.Body.Close())
	return resp.Header.Get("Location")
}

func lifeInto(life *time.Duration) func(string) error {
	return func(text string) (err error) {
		*life, err = duration.Parse(text)
		return err
	}
}

func write(ts *testscript.TestScript, file, content string) {
	ts.Check(os.WriteFile(ts.MkAbs(file), []byte(content+"\n"), 0o600))
}
