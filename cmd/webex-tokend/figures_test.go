package main

import (
	"encoding/json"
	"fmt"
	"html"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"webex-tokend/daemon/client"
	"webex-tokend/daemon/emulator"
	"webex-tokend/daemon/wire"
	"webex-tokend/store"
	"webex-tokend/store/boltkv"
)

// A host in many sorts of trouble: a grant in every state that can be brought
// about from outside, and two that are well.
const troubled = `
http {
  listen = "%[1]s"
}
integration "refused" {
  kind               = "rest"
  client_id          = "Cnobody"
  client_secret_file = "/etc/webex-tokend/rest.secret"
  token_url          = "%[2]s"
}
integration "busy" {
  kind               = "rest"
  client_id          = "C1"
  client_secret_file = "/etc/webex-tokend/rest.secret"
  token_url          = "%[3]s/busy"
}
integration "silent" {
  kind               = "rest"
  client_id          = "C2"
  client_secret_file = "/etc/webex-tokend/rest.secret"
  token_url          = "%[3]s/silent"
}
integration "bots" { kind = "static" }
integration "lasting" {
  kind      = "generic"
  client_id = "C3"
  token_url = "%[3]s/lasting"
}
grant "well" { integration = "crm" }
grant "calls" { integration = "meetings" }
grant "lasting" { integration = "lasting" }
grant "bot" { integration = "bots" }
grant "ended-bot" { integration = "bots" }
grant "refused" { integration = "refused" }
grant "busy" { integration = "busy" }
grant "silent" { integration = "silent" }
grant "paused" { integration = "crm" }
grant "pending" { integration = "crm" }
grant "copied" { integration = "lasting" }
grant "broken" { integration = "crm" }
`

// inTrouble runs a daemon with a grant in each state but unpersisted.
func inTrouble(t *testing.T) *estate {
	e := newEstate(t)
	address, err := freeAddress()
	if err != nil {
		t.Fatal(err)
	}
	endpoints := http.NewServeMux()
	endpoints.HandleFunc("POST /busy", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) })
	endpoints.HandleFunc("POST /silent", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	server := httptest.NewServer(endpoints)
	t.Cleanup(server.Close)
	config := fmt.Sprintf(troubled, address, e.server.URL+emulator.TokenPath, server.URL)
	e.declare(config + "grant \"gone\" { integration = \"bots\" }\n")

	// An older copy of the store, in which a record does not open.
	once := func() { e.output("webex-tokend", "run", "--once", "--config", e.path("/etc/webex-tokend/config.hcl")) }
	e.drop("copied", `{"access_token":"a-copied-token","refresh_token":"a-copied-refresh-token","expires_in":3600}`)
	e.drop("broken", string(e.webex.Issue(emulator.REST, emulator.Consent{}).Response))
	e.drop("gone", `{"access_token":"a-token-of-yesterday"}`)
	once()
	older := e.read("/var/lib/webex-tokend/store.db")
	once()
	e.write("/var/lib/webex-tokend/store.db", older)
	e.damage("broken")

	e.declare(config)
	e.start()
	for grant, kind := range map[string]emulator.Kind{"well": emulator.REST, "calls": emulator.Meetings, "refused": emulator.REST,
		"busy": emulator.REST, "silent": emulator.REST, "paused": emulator.REST} {
		e.register(grant, kind)
	}
	e.take("bot", `{"access_token":"a-token-of-a-bot","expires_in":8640000}`)
	e.take("ended-bot", `{"access_token":"a-token-that-soon-ends","expires_in":1}`)
	e.take("lasting", `{"access_token":"a-token-that-lasts","refresh_token":"and-what-renews-it","expires_in":3600}`)
	for _, grant := range []string{"refused", "busy", "silent"} {
		if e.command("webex-tokend", "refresh", grant).Run() == nil {
			t.Fatal("refreshed: ", grant)
		}
	}
	e.output("webex-tokend", "pause", "paused")
	return e
}

// drop leaves a response in the inbox, of an hour ago, so that it is known to
// be whole.
func (e *estate) drop(grant, response string) {
	e.t.Helper()
	file, before := "/var/lib/webex-tokend/inbox/"+grant+".json", time.Now().Add(-time.Hour)
	e.write(file, response)
	if err := os.Chtimes(e.path(file), before, before); err != nil {
		e.t.Fatal(err)
	}
}

// damage makes the record of a grant unreadable in a store that nobody has open.
func (e *estate) damage(grant string) {
	e.t.Helper()
	kv, err := boltkv.Open(boltkv.Config{Path: e.path("/var/lib/webex-tokend/store.db")})
	if err != nil {
		e.t.Fatal(err)
	}
	defer kv.Close()
	entry := store.Entry{Index: store.AttentionIndex, Group: "crm/ok", Rank: uint64(time.Now().Add(5 * day).UnixMilli()), Name: grant}
	_, err = kv.Swap(e.t.Context(), store.Change{Name: grant, Expect: store.Any,
		Write: &store.Write{Value: []byte("rotten"), Entries: []store.Entry{entry}}})
	if err != nil {
		e.t.Fatal(err)
	}
}

// take imports a response.
func (e *estate) take(grant, response string) {
	e.t.Helper()
	cmd := e.command("webex-tokend", "import", grant)
	cmd.Stdin = strings.NewReader(response)
	if out, err := cmd.CombinedOutput(); err != nil {
		e.t.Fatalf("import %s: %v, %s", grant, err, out)
	}
}

// A picture is what one way of asking says of the fleet. What it does not say
// is empty.
type picture struct {
	Counts   map[string]int
	Earliest wire.WindowEnd
	Order    []string
}

func (p picture) String() string {
	return fmt.Sprintf("%v\nearliest %s %v\n%v", p.Counts, p.Earliest.Grant, p.Earliest.At.UTC(), p.Order)
}

func TestStatusMetricsAndPagesTellTheSameOfOneMoment(t *testing.T) {
	e := inTrouble(t)
	daemon := client.New(client.Config{Socket: e.path("/run/webex-tokend/api.sock")})
	t.Cleanup(daemon.Close)
	var sum wire.Status
	e.until("a grant is in every state", func() (all bool) {
		var err error
		sum, err = daemon.Status(t.Context())
		// An answer is unpersisted on a full disk only.
		return err == nil && !sum.Counting && len(sum.States) == len(store.ByUrgency())-1
	})
	var list wire.Grants
	if err := json.Unmarshal([]byte(e.output("webex-tokend", "status", "--json")), &list); err != nil {
		t.Fatal(err)
	}
	want := picture{Counts: sum.States, Earliest: *sum.EarliestWindowEnd}
	counted := make(map[string]int)
	for _, g := range list.Grants {
		counted[g.State]++
		want.Order = append(want.Order, g.Name)
	}
	if !maps.Equal(counted, sum.States) {
		t.Errorf("the list has %v, the summary %v", counted, sum.States)
	}
	browser := e.browser(daemon)
	for name, got := range map[string]picture{
		"status on a screen": e.onScreen(),
		"the page":           onPage(t, browser.read("/ui/")),
	} {
		if got.String() != roundedTo(want, got).String() {
			t.Errorf("%s says\n%v\nnot\n%v", name, got, want)
		}
	}
	before := time.Now()
	figures := browser.read("/metrics")
	after := time.Now()
	compareFigures(t, figures, sum, list.Grants, before, after)
	for _, g := range list.Grants {
		page := html.UnescapeString(browser.read("/ui/grants/" + g.Name))
		for _, at := range []*time.Time{g.AccessExpiresAt, g.WindowEndsAt, g.RefreshDueAt} {
			if at != nil && !strings.Contains(page, at.Local().Format("2 Jan 2006, 15:04 MST")) {
				t.Errorf("the page of %s does not say %v", g.Name, at)
			}
		}
	}
	// A figure that changed while we asked would make a liar of somebody.
	if again, err := daemon.Status(t.Context()); err != nil || !maps.Equal(again.States, sum.States) || *again.EarliestWindowEnd != *sum.EarliestWindowEnd {
		t.Errorf("in between it changed to %+v (%v)", again, err)
	}
}

// roundedTo leaves of a picture what the other one tells: screens tell days.
func roundedTo(p, other picture) picture {
	if other.Earliest == (wire.WindowEnd{}) {
		p.Earliest = wire.WindowEnd{}
		return p
	}
	y, m, d := p.Earliest.At.Local().Date()
	p.Earliest.At = time.Date(y, m, d, 0, 0, 0, 0, time.Local)
	return p
}

func (e *estate) onScreen() (p picture) {
	e.t.Helper()
	lines := strings.Split(e.output("webex-tokend", "status"), "\n")
	p.Counts = make(map[string]int)
	for _, found := range regexp.MustCompile(`(\d+) ([a-z]+)[,;]`).FindAllStringSubmatch(lines[0]+";", -1) {
		if slices.Contains(store.ByUrgency(), store.State(found[2])) {
			p.Counts[found[2]], _ = strconv.Atoi(found[1])
		}
	}
	if !strings.Contains(lines[0], "need attention now") {
		e.t.Errorf("it does not say that somebody is needed: %s", lines[0])
	}
	for _, line := range lines[3:] {
		if fields := strings.Fields(strings.TrimLeft(line, "!*~- ")); len(fields) > 1 {
			p.Order = append(p.Order, fields[0])
		}
	}
	return p
}

func onPage(t *testing.T, page string) (p picture) {
	t.Helper()
	p.Counts = make(map[string]int)
	for _, found := range regexp.MustCompile(`</svg>([a-z]+) <b>([0-9,]+)</b></a>`).FindAllStringSubmatch(page, -1) {
		p.Counts[found[1]], _ = strconv.Atoi(found[2])
	}
	for _, found := range regexp.MustCompile(`<td class="name"><a href="/ui/grants/([^"]+)">`).FindAllStringSubmatch(page, -1) {
		p.Order = append(p.Order, found[1])
	}
	end := regexp.MustCompile(`First to end is ([^,]+), [^,]+, on ([^.]+)\.`).FindStringSubmatch(page)
	if end == nil {
		t.Fatal("the page does not say what ends first")
	}
	at, err := time.ParseInLocation("2 Jan 2006", end[2], time.Local)
	if err != nil {
		t.Fatal(err)
	}
	p.Earliest = wire.WindowEnd{Grant: end[1], At: at}
	if !strings.Contains(page, " grants need attention</h1>") {
		t.Error("the page does not say that somebody is needed")
	}
	return p
}

// compareFigures reads metrics that were asked for between two instants.
func compareFigures(t *testing.T, text string, sum wire.Status, grants []wire.Grant, before, after time.Time) {
	t.Helper()
	value := func(series string) (float64, bool) {
		found := regexp.MustCompile(`(?m)^webex_tokend_` + regexp.QuoteMeta(series) + ` (\S+)$`).FindStringSubmatch(text)
		if found == nil {
			return 0, false
		}
		v, err := strconv.ParseFloat(found[1], 64)
		return v, err == nil
	}
	for _, state := range store.ByUrgency() {
		if n, ok := value(fmt.Sprintf("grants{state=%q}", state)); !ok || int(n) != sum.States[string(state)] {
			t.Errorf("metrics have %v %s, status has %d", n, state, sum.States[string(state)])
		}
	}
	for series, want := range map[string]*wire.WindowEnd{"earliest_window_end_timestamp_seconds": sum.EarliestWindowEnd, "horizon_timestamp_seconds": sum.Horizon} {
		if at, ok := value(series); !ok || time.UnixMilli(int64(at*1000)).Sub(want.At).Abs() > time.Millisecond {
			t.Errorf("metrics have %s %.3f, status has %v", series, at, want.At)
		}
	}
	if n, ok := value("refreshes_overdue"); !ok || int(n) != sum.Keeper.Overdue {
		t.Errorf("metrics have %v overdue, status has %d", n, sum.Keeper.Overdue)
	}
	for _, g := range grants {
		labels := fmt.Sprintf("{grant=%q,integration=%q,kind=%q}", g.Name, g.Integration, g.Kind)
		for series, end := range map[string]*time.Time{"grant_window_remaining_seconds": g.WindowEndsAt, "grant_token_remaining_seconds": g.AccessExpiresAt} {
			left, ok := value(series + labels)
			switch {
			case ok != (end != nil):
				t.Errorf("%s%s is there: %v, status has %v", series, labels, ok, end)
			case ok && (left > end.Sub(before).Seconds() || left < end.Sub(after).Seconds()):
				t.Errorf("%s%s is %v, status has %v", series, labels, left, end)
			}
		}
		if n, ok := value("grant_failures" + labels); !ok || uint64(n) != g.Failures {
			t.Errorf("metrics have %v failures of %s, status has %d", n, g.Name, g.Failures)
		}
	}
}

// A browser is let in by a link from the socket.
type browser struct {
	t    *testing.T
	http *http.Client
	base string
}

func (e *estate) browser(daemon *client.Client) *browser {
	e.t.Helper()
	door, err := daemon.Web(e.t.Context())
	if err != nil {
		e.t.Fatal(err)
	}
	return browse(e.t, door)
}

func browse(t *testing.T, door wire.Web) *browser {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	b := &browser{t: t, http: &http.Client{Jar: jar, Transport: &http.Transport{DialContext: new(net.Dialer).DialContext}}}
	t.Cleanup(b.http.CloseIdleConnections)
	var path string
	b.base, path, _ = strings.Cut(strings.TrimPrefix(door.URL, "http://"), "/")
	b.base = "http://" + b.base
	_, form, _ := strings.Cut(b.read("/"+path), `name="form" value="`)
	form, _, _ = strings.Cut(form, `"`)
	resp, err := b.http.PostForm(door.URL, url.Values{"form": {form}})
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	return b
}

// read returns a page that must be there.
func (b *browser) read(path string) string {
	b.t.Helper()
	resp, err := b.http.Get(b.base + path)
	if err != nil {
		b.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		b.t.Fatalf("%s answers %d (%v):\n%s", path, resp.StatusCode, err, body)
	}
	return string(body)
}
