package circuit_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"webex-tokend/daemon/circuit"
	"webex-tokend/daemon/config"
	"webex-tokend/daemon/provider"
	"webex-tokend/store"
	"webex-tokend/store/storetest"
)

// A room is the circuits of one integration over a store that outlives them.
type room struct {
	t        *testing.T
	in       *config.Integration
	store    *store.Store
	circuits *circuit.Circuits
}

// around, when it is not nil, stands between the circuits and the store.
func newRoom(t *testing.T, around func(circuit.Notes) circuit.Notes) *room {
	t.Helper()
	s, err := store.Open(t.Context(), new(storetest.Memory), store.Config{})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "secret")
	r := &room{t: t, store: s, in: &config.Integration{Name: "ops", ClientID: "id", Secrets: []config.SecretFile{{Path: path}}}}
	r.secret("a")
	r.start(around)
	return r
}

func (r *room) start(around func(circuit.Notes) circuit.Notes) {
	r.t.Helper()
	notes := circuit.Notes(r.store)
	if around != nil {
		notes = around(notes)
	}
	r.circuits = circuit.New(circuit.Config{Notes: notes})
	if err := r.circuits.Recall(r.t.Context(), r.config()); err != nil {
		r.t.Fatal(err)
	}
}

func (r *room) config() *config.Config {
	return &config.Config{Integrations: map[string]*config.Integration{"ops": r.in}}
}

func (r *room) secret(text string) {
	if err := os.WriteFile(r.in.Secrets[0].Path, []byte(text), 0o600); err != nil {
		r.t.Fatal(err)
	}
}

func (r *room) refuse(grant string, now time.Time) {
	r.circuits.Refused(r.in, grant, &provider.Failure{Kind: provider.Misconfigured, Code: "invalid_client", Answered: true}, now)
}

// A model is what must be true of a room, in as few words as possible.
type model struct {
	open    bool
	since   time.Time
	secrets string // that were refused last
	probeAt time.Time
	refused map[string]bool
	// What the store is to have noted.
	noted        bool
	notedSince   time.Time
	notedSecrets string
}

func (m *model) refuse(grant, secrets string, now time.Time) {
	if !m.open || m.secrets != secrets {
		if !m.open {
			m.since = now
		}
		m.noted, m.notedSince, m.notedSecrets = true, m.since, secrets
	}
	m.open, m.secrets, m.probeAt = true, secrets, now.Add(circuit.ProbePause)
	m.refused[grant] = true
}

func (m *model) accept(grant string) {
	m.open, m.noted = false, false
	delete(m.refused, grant)
}

func (m *model) restart(secrets string) {
	m.refused = make(map[string]bool)
	m.open = m.noted && m.notedSecrets == secrets
	m.since, m.secrets, m.probeAt = m.notedSince, secrets, time.Time{}
}

// TestAClientThatIsRefusedIsKnownSoWhateverHappens compares long random
// histories of one client with the model after each step.
func TestAClientThatIsRefusedIsKnownSoWhateverHappens(t *testing.T) {
	grants := []string{"g1", "g2", "g3"}
	for seed := range uint64(30) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			random := rand.New(rand.NewPCG(seed, 1))
			r := newRoom(t, nil)
			m := &model{refused: make(map[string]bool)}
			now, secrets := time.UnixMilli(1_800_000_000_000).UTC(), "a"
			for range 300 {
				grant := grants[random.IntN(len(grants))]
				var step string
				switch n := random.IntN(20); {
				case n < 6:
					step = "refused for " + grant
					r.refuse(grant, now)
					m.refuse(grant, secrets, now)
				case n < 8:
					step = "accepted for " + grant
					r.circuits.Accepted("ops", grant, now)
					m.accept(grant)
				case n < 10:
					step, secrets = "secret changed", string('a'+rune(random.IntN(3)))
					r.secret(secrets)
				case n < 13:
					step = "tried"
					all, one := r.circuits.Passable(r.in, now)
					if m.open && m.secrets != secrets {
						m.open = false
					}
					if want := !m.open || !now.Before(m.probeAt); all == m.open || one != want {
						t.Fatalf("passable: all %t, one %t, want all %t, one %t", all, one, !m.open, want)
					}
				case n < 15:
					step = "asked which grants are untried"
					sameUntried(t, r, m, grants)
				case n < 17:
					step = "restarted"
					r.start(nil)
					m.restart(secrets)
				case n < 18:
					step = "reloaded"
					before := r.config()
					if random.IntN(2) == 0 {
						changed := *r.in
						changed.Scopes = []string{fmt.Sprint(random.Uint64())}
						r.in = &changed
						m.open, m.refused = false, make(map[string]bool)
					}
					r.circuits.Reconfigure(before, r.config(), now)
				default:
					step, now = "time passed", now.Add(time.Duration(random.IntN(20))*time.Minute)
				}
				is, refused := r.circuits.Refusal("ops")
				if refused != m.open || refused && (!is.Since.Equal(m.since) || is.Reason != "invalid_client") {
					t.Fatalf("%s: refused %t since %v, want %t since %v", step, refused, is.Since, m.open, m.since)
				}
				blob, err := r.store.Blob(t.Context(), "rejected/ops")
				if noted := len(blob.Value) > 0; noted != m.noted || err != nil && !errors.Is(err, store.ErrNotFound) {
					t.Fatalf("%s: noted %t, want %t (%v)", step, noted, m.noted, err)
				}
			}
		})
	}
}

func sameUntried(t *testing.T, r *room, m *model, grants []string) {
	t.Helper()
	var due []store.DueGrant
	var want, got []string
	for _, name := range grants {
		due = append(due, store.DueGrant{Name: name})
		if !m.refused[name] {
			want = append(want, name)
		}
	}
	for _, g := range r.circuits.Untried("ops", due) {
		got = append(got, g.Name)
	}
	if !slices.Equal(got, want) {
		t.Fatalf("untried are %q, want %q", got, want)
	}
	if len(want) == 0 {
		clear(m.refused)
	}
}

// whileNoted calls back while a refusal is on its way into the store.
type whileNoted struct {
	circuit.Notes
	before, after func()
}

func (w whileNoted) SwapBlob(ctx context.Context, key string, expect store.Revision, value []byte) (store.Revision, error) {
	if len(value) > 0 {
		w.before()
		defer w.after()
	}
	return w.Notes.SwapBlob(ctx, key, expect, value)
}

func TestAClientThatIsAcceptedWhileItsRefusalIsNotedIsNotRefusedAfterARestart(t *testing.T) {
	now := time.UnixMilli(1_800_000_000_000).UTC()
	for _, when := range []string{"before", "after"} {
		t.Run(when, func(t *testing.T) {
			var r *room
			accepted := false
			accept := func(is string) func() {
				return func() {
					if is == when && r != nil && !accepted {
						accepted = true
						r.circuits.Accepted("ops", "g2", now)
					}
				}
			}
			r = newRoom(t, func(n circuit.Notes) circuit.Notes { return whileNoted{n, accept("before"), accept("after")} })
			r.refuse("g1", now)
			if !accepted {
				t.Fatal("nothing was noted")
			}
			r.start(nil)
			if is, refused := r.circuits.Refusal("ops"); refused {
				t.Errorf("it is refused since %v", is.Since)
			}
		})
	}
}
