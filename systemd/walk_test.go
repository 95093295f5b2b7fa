package systemd_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"webex-tokend/daemon/alert"
)

// pager is where the daemon of the walk sends its alerts.
const pager = "127.0.0.1:9000"

// more is what the walk adds to the configuration of the guide.
const more = `
alert {
  webhook_url = "http://` + pager + `/"
}
integration "bots" {
  kind = "static"
}
grant "bot-*" {
  integration = "bots"
}`

// A walker is an operator who looks at everything that shows trouble.
type walker struct {
	*operator
	mu     sync.Mutex
	alerts []alert.Message
}

// The walk is what an operator must be able to do without any source: to see by
// status, check, page, metrics and alert that something is wrong, and to fix it
// by what status prints.
func TestTheWalk(t *testing.T) {
	w := &walker{operator: employ(t, newWebex(t), shipped(t))}
	w.takeAlerts()
	w.prepare()
	for _, m := range mishaps() {
		t.Run(m.name, func(t *testing.T) {
			outer := w.machine
			defer func() { w.machine = outer }()
			w.machine = outer.in(t)
			w.wellAgain("")
			w.forget()
			if places := w.unseen(m); len(places) != 4 {
				t.Errorf("some show it before it happens, only these do not:\n%s", strings.Join(places, "\n"))
			}
			m.happens(w)
			for range m.refreshes {
				w.try("webex-tokend refresh ops")
			}
			for _, place := range w.unseen(m) {
				t.Error(place)
			}
			if m.alert != "" { // which may take a moment
				w.until(nil, func() bool { return w.told(m.alert, false) })
			}
			if m.over != nil {
				m.over(w)
			}
			printed := w.do(w.action())
			if m.follow != nil {
				m.follow(w, printed)
			}
			w.wellAgain(m.alert)
		})
	}
}

// prepare follows the guide until its grants are registered. The store has a
// disk of its own, which is soon full.
func (w *walker) prepare() {
	w.t.Helper()
	w.run("mkdir -m 700 /var/lib/webex-tokend && mount -t tmpfs -o size=16m,mode=700 tmpfs /var/lib/webex-tokend")
	w.receiveResponse()
	for _, c := range readGuide(w.t) {
		for _, s := range c.steps {
			switch {
			case s.file == "/etc/webex-tokend/config.hcl":
				w.write(s.file, s.text+more)
			case s.file != "":
				w.write(s.file, s.text)
			default:
				w.do(s.command)
			}
		}
		if c.title == "Register" {
			return
		}
	}
}

// takeAlerts is the pager.
func (w *walker) takeAlerts() {
	w.t.Helper()
	w.serve(pager, &http.Server{Handler: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		var m alert.Message
		if err := json.NewDecoder(r.Body).Decode(&m); err != nil {
			return
		}
		w.mu.Lock()
		defer w.mu.Unlock()
		w.alerts = append(w.alerts, m)
	})})
}

// forget drops the alerts that came so far.
func (w *walker) forget() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.alerts = nil
}

// told reports whether an alert of the kind came, or came to its end.
func (w *walker) told(k alert.Kind, over bool) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.ContainsFunc(w.alerts, func(m alert.Message) bool { return m.Kind == k && m.Resolved == over })
}

// unseen looks everywhere for the mishap, and returns what is shown where there
// is no sign of it.
func (w *walker) unseen(m mishap) (places []string) {
	w.t.Helper()
	said, code := w.try("webex-tokend check")
	for _, look := range []struct{ where, shown, pattern string }{
		{"status", w.output("webex-tokend status"), m.status},
		{"check", fmt.Sprintf("%s\nexit code %d", said, code), fmt.Sprintf("%s(.|\n)*exit code %d$", m.check, m.code)},
		{"the page", w.page(), m.page},
		{"the metrics", w.metrics(), m.metric},
	} {
		if !regexp.MustCompile(look.pattern).MatchString(look.shown) {
			places = append(places, fmt.Sprintf("no %q in %s:\n%s", look.pattern, look.where, look.shown))
		}
	}
	return places
}

// wellAgain waits until everything looks well, and the alert is over.
func (w *walker) wellAgain(k alert.Kind) {
	w.t.Helper()
	w.until(nil, func() bool {
		_, code := w.try("webex-tokend check")
		return code == 0 && strings.Contains(w.output("webex-tokend status"), ", all good;") &&
			strings.Contains(w.page(), "All good") &&
			regexp.MustCompile(`webex_tokend_grants{state="(retrying|unknown|misconfigured)"} 0(.|\n)*store_writable 1`).MatchString(w.metrics()) &&
			(k == "" || w.told(k, true))
	})
}

// action is what status prints as the next step, of all grants or of the one.
func (w *walker) action() string {
	w.t.Helper()
	printed := w.output("webex-tokend status; webex-tokend status ops")
	next := regexp.MustCompile(`(?m)^  (?:next:?|start it:) +(.*)$`).FindStringSubmatch(printed)
	if next == nil {
		w.t.Fatalf("status names no action:\n%s", printed)
	}
	return next[1]
}

// output is what a command prints, whatever it exits with.
func (w *walker) output(command string) string {
	w.t.Helper()
	out, _ := w.try(command)
	return out
}

func (w *walker) metrics() string {
	w.t.Helper()
	return w.output("curl -sS --unix-socket /run/webex-tokend/api.sock http://localhost/metrics")
}

// page is the first page that a browser shows, or why it shows none.
func (w *walker) page() string {
	w.t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		w.t.Fatal(err)
	}
	browser := w.webex.browser(w.machine)
	browser.Jar, browser.CheckRedirect = jar, nil
	link, code := w.try("webex-tokend web")
	if code != 0 {
		link = "http://127.0.0.1:8411"
	}
	answer, err := browser.Get(link)
	if err != nil {
		return err.Error()
	}
	page := w.read(answer)
	_, form, found := strings.Cut(page, `name="form" value="`)
	if !found {
		return page
	}
	form, _, _ = strings.Cut(form, `"`)
	if answer, err = browser.PostForm(link, url.Values{"form": {form}}); err != nil {
		return err.Error()
	}
	return w.read(answer)
}

func (w *walker) read(answer *http.Response) string {
	w.t.Helper()
	defer answer.Body.Close()
	page, err := io.ReadAll(answer.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	return string(page)
}
