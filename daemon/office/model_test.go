package office

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// A model plays the whole protocol in fake time: hosts with the real Office and the
// real rules, over an etcd and a token endpoint in memory. Every step of a host can
// be followed by a pause of the whole host, as by SIGSTOP, and every request can be
// late. What no host can promise is left out: a pause between the look at the clock
// and the departure of a request, and, where refresh tokens are replaced, a host
// that is lost with an answer in its hands.
type model struct {
	without string // the rule that hosts do not follow; empty: they follow all
	rotates bool
	dice    *rand.Rand
	start   time.Time
	all     sync.WaitGroup

	mu      sync.Mutex
	town    map[string]time.Time // HOST/INCARNATION -> until when its session lives
	lead    string
	rows    []modelRow
	open    []modelIntent
	nonces  int
	current []int // refresh token that the endpoint takes next, of each grant
	flying  []int // requests under way, of each grant
	faults  map[string]int
	sent    int
}

type modelRow struct {
	revision      int
	token         int
	issued, lapse time.Time
}

type modelIntent struct {
	owner string
	nonce int // 0: vacant
}

const (
	modelHosts  = 3
	modelGrants = 2
	modelLife   = 40 * time.Minute
)

// A modelHost is one machine, on which one process follows another.
type modelHost struct {
	m      *model
	name   string
	paused time.Time // until then nothing happens here
}

// A modelProcess is one of them.
type modelProcess struct {
	*modelHost
	member string
	alive  context.Context // ends when it is killed
	office *Office
	flight [modelGrants]bool     // busy with a refresh
	own    [modelGrants]int      // nonce of the intent that it made; 0: none
	seen   map[int]time.Duration // since when intents of others are known, by nonce
}

func (m *model) boot() time.Duration { return time.Since(m.start) }

func (m *model) chance(n int) bool { m.mu.Lock(); defer m.mu.Unlock(); return m.dice.IntN(n) == 0 }

func (m *model) within(most time.Duration) time.Duration {
	m.mu.Lock()
	defer m.mu.Unlock()
	return time.Duration(m.dice.Int64N(int64(most)))
}

func (m *model) fault(what string) { m.faults[what]++ }

// step lets a pause of the host pass, and sometimes begins one.
func (h *modelHost) step() {
	if h.m.chance(25) {
		h.m.mu.Lock()
		until := time.Now().Add(time.Duration(h.m.dice.Int64N(int64(4 * time.Minute))))
		if until.After(h.paused) {
			h.paused = until
		}
		h.m.mu.Unlock()
	}
	h.wait()
}

func (h *modelHost) wait() {
	for {
		h.m.mu.Lock()
		left := time.Until(h.paused)
		h.m.mu.Unlock()
		if left <= 0 {
			return
		}
		time.Sleep(left)
	}
}

var errSessionGone = errors.New("ended")

// ask is a question to etcd, which ends sessions in time.
func (h *modelProcess) ask(f func() error) error {
	h.step()
	time.Sleep(time.Millisecond)
	m := h.m
	m.mu.Lock()
	defer m.mu.Unlock()
	for member, until := range m.town {
		if !time.Now().Before(until) {
			delete(m.town, member)
			if m.lead == member {
				m.lead = ""
			}
		}
	}
	if h.alive.Err() != nil {
		return h.alive.Err()
	}
	return f()
}

func (h *modelProcess) here() error {
	if h.m.town[h.member].IsZero() {
		return errSessionGone
	}
	return nil
}

func (h *modelProcess) Keep(context.Context) error {
	return h.ask(func() error {
		if err := h.here(); err != nil {
			return err
		}
		h.m.town[h.member] = time.Now().Add(life)
		return nil
	})
}

func (h *modelProcess) Tell(context.Context, []byte) error { return nil }

func (h *modelProcess) TakeOffice(context.Context) (in bool, err error) {
	err = h.ask(func() error {
		if err := h.here(); err != nil {
			return err
		}
		if h.m.lead == "" {
			h.m.lead = h.member
		}
		in = h.m.lead == h.member
		return nil
	})
	return in, err
}

func (h *modelProcess) Resign(context.Context) error {
	return h.ask(func() error {
		if h.m.lead == h.member {
			h.m.lead = ""
		}
		return nil
	})
}

func (h *modelProcess) Leave(context.Context) error {
	return h.ask(func() error { delete(h.m.town, h.member); return nil })
}

// live runs one process after the other until ctx ends.
func (h *modelHost) live(ctx context.Context) {
	for incarnation := 1; ctx.Err() == nil; incarnation++ {
		alive, kill := context.WithCancel(ctx)
		p := &modelProcess{modelHost: h, member: fmt.Sprintf("%s/%d", h.name, incarnation), alive: alive, seen: make(map[int]time.Duration)}
		p.office = New(Config{Boot: h.m.boot, Act: p.act, Join: func(_ context.Context, life time.Duration, _ []byte) (Session, error) {
			return p, p.ask(func() error { h.m.town[p.member] = time.Now().Add(life); return nil })
		}})
		if !h.m.rotates {
			end := time.AfterFunc(time.Minute+h.m.within(10*time.Minute), kill)
			context.AfterFunc(alive, func() { end.Stop() })
		}
		p.office.Run(alive)
		kill()
		time.Sleep(h.m.within(30 * time.Second))
	}
}

// act is what the host in office does.
func (h *modelProcess) act(ctx context.Context) {
	var flights sync.WaitGroup
	defer flights.Wait()
	for ctx.Err() == nil {
		for grant := range modelGrants {
			h.m.mu.Lock()
			due := time.Since(h.m.rows[grant].issued) > time.Minute && !h.flight[grant]
			if due {
				h.flight[grant] = true
			}
			h.m.mu.Unlock()
			if due {
				flights.Go(func() {
					if !h.refresh(grant) {
						h.m.mu.Lock()
						h.flight[grant] = false
						h.m.mu.Unlock()
					}
				})
			}
		}
		time.Sleep(time.Second)
	}
}

// may reports whether an open intent may be replaced, as the rules have it.
func (h *modelProcess) may(grant int, there modelIntent) bool {
	m := h.m
	if there.nonce == 0 || m.without == "vacancy" || there.nonce == h.own[grant] {
		return true
	}
	since, known := h.seen[there.nonce]
	if !known {
		since = m.boot()
		h.seen[there.nonce] = since
	}
	members := Members{Present: make(map[string]bool), Forgotten: func(string) bool { return false }}
	for member := range m.town {
		members.Present[member] = true
	}
	owner := there.owner
	if m.without == "incarnation" {
		owner = HostOf(owner) + "/another"
	}
	row := m.rows[grant]
	claim := Claim{Owner: owner, Seen: since, Rotates: m.rotates && m.without != "late rule", IssuedAt: row.issued, ExpiresAt: row.lapse}
	if m.without == "rest" {
		claim.Seen = m.boot() - Rest
	}
	return MayTake(claim, members, m.boot(), time.Now())
}

// refresh reports whether its answer is held, and the grant busy until it is
// stored.
func (h *modelProcess) refresh(grant int) (held bool) {
	m, alive := h.m, h.alive
	var row modelRow
	var nonce int
	claimed := m.boot()
	err := h.ask(func() error {
		row = m.rows[grant]
		if there := m.open[grant]; m.lead != h.member || !h.may(grant, there) {
			return errors.New("not to be had")
		}
		m.nonces++
		nonce = m.nonces
		m.open[grant] = modelIntent{h.member, nonce}
		h.own[grant] = nonce
		return nil
	})
	if err != nil {
		return false
	}
	time.Sleep(m.within(3 * time.Second)) // its permit
	h.step()
	if m.without != "deadline" && (m.boot()-claimed >= Departs || !h.office.MayAct()) {
		_ = h.ask(func() error {
			if m.open[grant].nonce == nonce {
				m.open[grant] = modelIntent{}
			}
			return nil
		})
		return false
	}
	answer, ok := h.post(grant, row.token)
	h.step()
	if !ok {
		return false // it is resolved by the next one
	}
	if m.chance(4) {
		// Etcd refuses the answer: it is kept, and nothing waits for it.
		h.m.all.Go(func() {
			time.Sleep(m.within(5 * time.Minute))
			h.commit(alive, grant, nonce, row, answer)
			m.mu.Lock()
			defer m.mu.Unlock()
			if alive.Err() == nil {
				h.flight[grant] = false
			}
		})
		return true
	}
	h.commit(alive, grant, nonce, row, answer)
	return false
}

// commit stores an answer, unless the process has ended meanwhile.
func (h *modelProcess) commit(alive context.Context, grant, nonce int, row modelRow, answer int) {
	m := h.m
	_ = h.ask(func() error {
		if alive.Err() != nil {
			return alive.Err()
		}
		mine := m.open[grant].nonce == nonce
		switch {
		case m.without != "nonce" && !mine, m.rows[grant].revision != row.revision:
			return nil // a fallback candidate
		}
		if !mine && m.open[grant].nonce != 0 {
			m.fault("the claim of another host was closed")
		}
		m.open[grant] = modelIntent{}
		m.rows[grant] = modelRow{row.revision + 1, answer, time.Now(), time.Now().Add(modelLife)}
		return nil
	})
}

// post sends a request, which may lie in buffers for a while and is then given up.
func (h *modelProcess) post(grant, token int) (answer int, ok bool) {
	m := h.m
	m.mu.Lock()
	m.sent++
	if m.flying[grant]++; m.flying[grant] > 1 {
		m.fault("two requests in flight")
	}
	m.mu.Unlock()
	delay := m.within(2 * time.Second)
	if m.chance(3) {
		delay = m.within(58 * time.Second)
	}
	time.Sleep(delay) // goes on while the host stands still
	m.mu.Lock()
	defer m.mu.Unlock()
	m.flying[grant]--
	switch {
	case !m.rotates:
		return token, m.dice.IntN(10) > 0 // some answers are lost
	case token != m.current[grant]:
		m.fault("a used-up token was sent")
		m.current[grant] = max(m.current[grant], token) // a person consents anew
		return m.current[grant], true
	}
	m.current[grant]++
	return m.current[grant], true
}

// play runs a model for an hour and returns what went wrong.
func play(t *testing.T, seed uint64, rotates bool, without string) (faults map[string]int, sent int) {
	synctest.Test(t, func(t *testing.T) {
		m := &model{without: without, rotates: rotates, dice: rand.New(rand.NewPCG(seed, 7)), start: time.Now(), town: make(map[string]time.Time),
			rows: make([]modelRow, modelGrants), open: make([]modelIntent, modelGrants), current: make([]int, modelGrants), flying: make([]int, modelGrants),
			faults: make(map[string]int)}
		for i := range m.rows {
			m.rows[i].issued, m.rows[i].lapse = time.Now(), time.Now().Add(modelLife)
		}
		ctx, end := context.WithTimeout(t.Context(), time.Hour)
		defer end()
		for i := range modelHosts {
			h := &modelHost{m: m, name: string(rune('a' + i))}
			m.all.Go(func() { h.live(ctx) })
		}
		m.all.Wait()
		faults, sent = m.faults, m.sent
	})
	return faults, sent
}

func modelRuns(t *testing.T) uint64 {
	n, err := strconv.ParseUint(os.Getenv("WEBEX_TOKEND_MODEL_RUNS"), 10, 64)
	if err != nil {
		if os.Getenv("WEBEX_TOKEND_MODEL_RUNS") != "" {
			t.Fatal(err)
		}
		return 15
	}
	return n
}

func TestNoOrderOfPausesBreaksWhatHostsPromise(t *testing.T) {
	sent := 0
	for seed := range modelRuns(t) {
		for _, rotates := range []bool{true, false} {
			faults, n := play(t, seed, rotates, "")
			if sent += n; len(faults) > 0 {
				t.Errorf("seed %d, refresh tokens replaced: %v: %v", seed, rotates, faults)
			}
		}
	}
	t.Logf("%d requests", sent)
	if sent < 100 {
		t.Errorf("%d requests only", sent)
	}
}

// Without any one of the rules the model must find what it guards against.
func TestTheModelNoticesEachMissingRule(t *testing.T) {
	for _, c := range []struct {
		rule    string
		rotates bool
	}{{"vacancy", true}, {"deadline", false}, {"incarnation", true}, {"late rule", true}, {"rest", false}, {"nonce", false}} {
		t.Run(c.rule, func(t *testing.T) {
			for seed := range uint64(300) {
				if faults, _ := play(t, seed, c.rotates, c.rule); len(faults) > 0 {
					t.Logf("seed %d: %v", seed, faults)
					return
				}
			}
			t.Error("nothing was noticed")
		})
	}
}
