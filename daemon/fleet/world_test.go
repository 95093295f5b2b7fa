package fleet_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"webex-tokend/daemon/emulator"
	"webex-tokend/daemon/report"
	"webex-tokend/store"
	"webex-tokend/store/storetest"
)

// A world is a host to which things happen, with witnesses who see every
// request and every answer and know what must hold after each.
type world struct {
	*host
	names []string
	// issued are the responses imported last, release lets held answers go.
	issued  map[string]emulator.Issued
	release []chan struct{}
	full    bool // the configuration declares every name
	refuse  *atomic.Bool
	callers sync.WaitGroup
	current *incarnation

	mu sync.Mutex
	// required are refresh tokens that reached the fleet and were neither
	// replaced by an import nor made needless by the success of another.
	required map[string]map[string]bool
	imports  map[string]int // how often the tokens were replaced from outside
	inFlight map[string]bool
	closed   map[string]span // by endpoint, as it asked
	broken   []string        // what a witness saw and must not be
}

// A span is open at both ends: what leaves in the instant of an answer may not
// know it yet.
type span struct{ from, to time.Time }

func (s span) holds(t time.Time) bool { return t.After(s.from) && t.Before(s.to) }

// An incarnation is a fleet process between its start and its crash.
type incarnation struct {
	world *world
	store.KV
	inner   http.RoundTripper
	crashed atomic.Bool
}

// worldNames: the last is declared only now and then.
func worldNames() []string { return []string{"rest-1", "rest-2", "meetings-1", "tenant-1"} }

// newWorld starts a fleet over a store that sabotage, when it is not nil,
// makes unfaithful.
func newWorld(t testing.TB, cfg emulator.Config, sabotage func(store.KV) store.KV) *world {
	w := &world{
		host:     &host{t: t, dir: t.TempDir(), webex: emulator.New(cfg), memory: new(storetest.Memory), quiet: true},
		names:    worldNames(),
		issued:   make(map[string]emulator.Issued),
		required: make(map[string]map[string]bool),
		imports:  make(map[string]int),
		inFlight: make(map[string]bool),
		closed:   make(map[string]span),
		refuse:   new(atomic.Bool),
		full:     true,
	}
	w.kv = func(kv store.KV) store.KV {
		if sabotage != nil {
			kv = sabotage(kv)
		}
		w.current = &incarnation{world: w, KV: kv}
		return w.current
	}
	w.transport = func(inner http.RoundTripper) http.RoundTripper {
		w.current.inner = inner
		return w.current
	}
	w.configure(earlier)
	w.start()
	return w
}

// Swap refuses what a full disk and a dead process refuse.
func (i *incarnation) Swap(ctx context.Context, c store.Change) (store.Revision, error) {
	if i.crashed.Load() || i.world.refuse.Load() {
		return 0, errNoSpace
	}
	return i.KV.Swap(ctx, c)
}

// RoundTrip lets witnesses see the request when the server has all of it, and
// the answer as far as the fleet has read it.
func (i *incarnation) RoundTrip(req *http.Request) (*http.Response, error) {
	e := &exchange{incarnation: i, endpoint: req.URL.Path}
	req.Body = &watched{ReadCloser: req.Body, ended: e.departed}
	resp, err := i.inner.RoundTrip(req)
	if err != nil {
		e.over()
		return nil, err
	}
	resp.Body = &watched{ReadCloser: resp.Body, closed: func(body []byte) { e.answered(resp, body) }}
	return resp, nil
}

// A watched body tells what was read of it.
type watched struct {
	io.ReadCloser
	read   bytes.Buffer
	ended  func(all []byte)
	closed func(read []byte)
}

func (w *watched) Read(p []byte) (int, error) {
	n, err := w.ReadCloser.Read(p)
	w.read.Write(p[:n])
	if err == io.EOF && w.ended != nil {
		w.ended(w.read.Bytes())
		w.ended = nil
	}
	return n, err
}

func (w *watched) Close() error {
	if w.closed != nil {
		w.closed(w.read.Bytes())
		w.closed = nil
	}
	return w.ReadCloser.Close()
}

// An exchange is one request as the witnesses follow it.
type exchange struct {
	*incarnation
	endpoint string
	grant    string
	sent     string
	imports  int // of the grant, when the request left
}

// departed holds a request to what must be true when it leaves.
func (e *exchange) departed(body []byte) {
	form, _ := url.ParseQuery(string(body))
	e.sent = form.Get("refresh_token")
	w := e.world
	open, err := w.store.Intents(context.Background(), "", 100)
	if err != nil {
		w.blame("intents cannot be read: %v", err)
	}
	print := w.store.Fingerprint(store.NewSecret(e.sent))
	for _, i := range open {
		if i.Fingerprint == print {
			e.grant = i.Name
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case e.crashed.Load():
		w.broken = append(w.broken, "a dead process sent a request")
	case e.grant == "":
		w.broken = append(w.broken, "a request left without an intent")
	case w.inFlight[e.grant]:
		w.broken = append(w.broken, "two requests are in flight for "+e.grant)
	case w.closed[e.endpoint].holds(time.Now()):
		w.broken = append(w.broken, fmt.Sprintf("a request for %s left %v before the endpoint wants one", e.grant, time.Until(w.closed[e.endpoint].to)))
	}
	w.inFlight[e.grant] = true
	e.imports = w.imports[e.grant]
}

func (e *exchange) over() {
	e.world.mu.Lock()
	defer e.world.mu.Unlock()
	if !e.crashed.Load() {
		delete(e.world.inFlight, e.grant)
	}
}

// refreshMember finds refresh tokens that stand whole in an answer.
var refreshMember = regexp.MustCompile(`"refresh_token":"([^"\\]+)"`)

// answered notes which refresh tokens have reached the fleet.
func (e *exchange) answered(resp *http.Response, body []byte) {
	e.over()
	w := e.world
	w.mu.Lock()
	defer w.mu.Unlock()
	if e.crashed.Load() {
		return
	}
	if seconds, err := strconv.Atoi(resp.Header.Get("Retry-After")); err == nil && resp.StatusCode == http.StatusTooManyRequests {
		w.closed[e.endpoint] = span{time.Now(), time.Now().Add(time.Duration(seconds) * time.Second)}
	}
	if resp.StatusCode/100 != 2 || w.imports[e.grant] != e.imports {
		return
	}
	brought := e.sent
	if m := refreshMember.FindSubmatch(body); m != nil {
		brought = string(m[1])
	}
	var whole struct {
		Access string `json:"access_token"`
	}
	if json.Unmarshal(body, &whole) == nil && whole.Access != "" {
		w.required[e.grant] = map[string]bool{e.sent: true}
	}
	w.required[e.grant][brought] = true
}

func (w *world) blame(format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.broken = append(w.broken, fmt.Sprintf(format, args...))
}

// crash ends the process without any of its doings: what it has not stored is
// gone, and so are the answers that it waits for.
func (w *world) crash() {
	synctest.Wait()
	for _, name := range w.names {
		if g, err := w.report.Grant(w.t.Context(), name); err == nil && g.State == string(store.Unpersisted) {
			w.forget(name)
		}
	}
	w.current.crashed.Store(true)
	dead := w.fleet
	w.callers.Go(func() {
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		_ = dead.Stop(ctx)
	})
	w.mu.Lock()
	clear(w.inFlight)
	w.mu.Unlock()
	w.again()
}

// again starts a process anew. That an endpoint is closed is known to the one
// that it told; of the grant that it refused, the due time says so.
func (w *world) again() {
	w.mu.Lock()
	clear(w.closed)
	w.mu.Unlock()
	w.start()
	synctest.Wait()
}

// imported notes that the tokens of a grant were replaced by this one, or by
// none.
func (w *world) imported(name, token string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.imports[name]++
	w.required[name] = map[string]bool{token: true}
}

// forget no longer requires what the store has not accepted.
func (w *world) forget(name string) {
	stored := w.tokens(name)
	w.mu.Lock()
	defer w.mu.Unlock()
	maps.DeleteFunc(w.required[name], func(token string, _ bool) bool { return !slices.Contains(stored, token) })
}

// tokens are the refresh tokens in a record.
func (w *world) tokens(name string) (list []string) {
	s, err := w.store.Get(w.t.Context(), name)
	if err != nil {
		return nil
	}
	for _, r := range append([]store.RefreshToken{s.Refresh}, s.Fallbacks...) {
		list = append(list, r.Value.Reveal())
	}
	return list
}

// end lets everything come to rest.
func (w *world) end() {
	w.refuse.Store(false)
	w.letGo()
	time.Sleep(2 * time.Minute)
	w.stop()
	w.callers.Wait()
}

func (w *world) letGo() {
	for _, release := range w.release {
		close(release)
	}
	w.release = nil
}

// check returns what does not hold.
func (w *world) check() error {
	synctest.Wait()
	w.mu.Lock()
	broken := slices.Clone(w.broken)
	w.mu.Unlock()
	if len(broken) > 0 {
		return fmt.Errorf("%v", broken)
	}
	for _, name := range w.names {
		if err := w.checkGrant(name); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return w.checkCounts()
}

func (w *world) checkGrant(name string) error {
	ctx := w.t.Context()
	g, err := w.report.Grant(ctx, name)
	if err != nil {
		if _, never := w.issued[name]; !never {
			return nil
		}
		if s, missing := w.store.Get(ctx, name); missing != nil || s.Removed {
			return nil
		}
		return err
	}
	state := store.State(g.State)
	switch {
	case state != store.OK && (g.Reason == "" || g.Action == ""):
		return fmt.Errorf("%s for the reason %q with the action %q", state, g.Reason, g.Action)
	case state != store.OK && state != store.Pending && g.Since == nil:
		return fmt.Errorf("%s since nobody knows when", state)
	}
	if state == store.OK && !w.flying(name) {
		open, err := w.store.Intents(ctx, "", 100)
		if err != nil {
			return err
		}
		if slices.ContainsFunc(open, func(i store.OpenIntent) bool { return i.Name == name }) {
			return fmt.Errorf("ok although the outcome of a request is open")
		}
	}
	if state == store.Unpersisted {
		return nil // what it holds is checked when the store accepts again
	}
	there := w.tokens(name)
	w.mu.Lock()
	required := slices.Sorted(maps.Keys(w.required[name]))
	w.mu.Unlock()
	for _, token := range required {
		if w.webex.Valid(token) && !slices.Contains(there, token) {
			return fmt.Errorf("a refresh token that works is gone, %d others are there", len(there))
		}
	}
	return w.checkToken(name)
}

// checkToken asks for the token only where that cannot start a refresh.
func (w *world) checkToken(name string) error {
	now, err := w.fleet.Refresher.Current(w.t.Context(), name)
	if err != nil || now.Access.Empty() || !time.Now().Before(now.ExpiresAt) {
		return nil
	}
	got, err := w.fleet.Refresher.Token(w.t.Context(), name, 0)
	if err != nil {
		return fmt.Errorf("a live token is not given: %w", err)
	}
	if s, err := w.store.Get(w.t.Context(), name); err != nil || !got.Access.Equal(s.Token.Access) {
		return fmt.Errorf("a token is given that is not stored: %v", err)
	}
	return nil
}

func (w *world) flying(name string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.inFlight[name]
}

// checkCounts compares the summary with a walk over the list.
func (w *world) checkCounts() error {
	ctx := w.t.Context()
	sum, err := w.report.Status(ctx, nil)
	if err != nil {
		return err
	}
	walk, err := w.report.Status(ctx, func(string) bool { return true })
	if err != nil {
		return err
	}
	list := make(map[string]int)
	var earliest time.Time
	for _, q := range []report.Query{{ByName: true}, {}} {
		clear(list)
		page, err := w.report.Grants(ctx, q)
		if err != nil {
			return err
		}
		for _, g := range page.Grants {
			list[g.State]++
			if g.WindowEndsAt != nil && g.State != string(store.Reauthorize) && (earliest.IsZero() || g.WindowEndsAt.Before(earliest)) {
				earliest = *g.WindowEndsAt
			}
		}
		if !maps.Equal(sum.States, list) || !maps.Equal(walk.States, list) {
			return fmt.Errorf("the summary says %v, a walk %v, the list %v", sum.States, walk.States, list)
		}
	}
	for _, end := range []time.Time{endOf(sum.EarliestWindowEnd), endOf(walk.EarliestWindowEnd)} {
		if !end.Equal(earliest) {
			return fmt.Errorf("the earliest window ends at %v, the summary says %v", earliest, end)
		}
	}
	return nil
}
