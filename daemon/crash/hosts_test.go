package crash_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
	"time"

	"webex-tokend/daemon/client"
	"webex-tokend/daemon/emulator"
	"webex-tokend/daemon/office"
	"webex-tokend/daemon/wire"
	"webex-tokend/store"
	"webex-tokend/store/etcdkv/etcdtest"
)

// hosts are n hosts that share one store in etcd, before one Webex that replaces
// refresh tokens at each use, takes none twice, and counts those that come again.
type hosts struct {
	t      *testing.T
	etcd   *etcdtest.Server
	prefix string
	all    []*host
	runs   []*process
	speak  []*client.Client
	names  []string
}

func newHosts(t *testing.T, n int, rotate bool, life time.Duration) *hosts {
	s := &hosts{t: t, etcd: etcdtest.Start(t), prefix: etcdtest.Prefix()}
	first := newHostOf(t, emulator.Config{Calm: true, Rotate: rotate, KeepCalls: -1,
		Lives: map[emulator.Kind]emulator.Life{emulator.REST: {Access: life, Refresh: time.Hour}}})
	s.add(first, "")
	for range n - 1 {
		s.join("")
	}
	return s
}

// join starts another host, with more rules than the others where there are some.
func (s *hosts) join(rules string) {
	s.t.Helper()
	first := s.all[0]
	h := &host{t: s.t, dir: s.t.TempDir(), webex: first.webex, url: first.url, ledger: first.ledger}
	client := h.webex.Client(emulator.REST)
	h.write("secret", client.Secret)
	h.write("config.hcl", fmt.Sprintf(configText, h.dir, client.ID, h.url, emulator.TokenPath))
	key, err := os.ReadFile(filepath.Join(first.dir, "store.key"))
	if err != nil {
		s.t.Fatal(err)
	}
	h.write("store.key", string(key))
	s.add(h, rules)
}

func (s *hosts) add(h *host, rules string) {
	s.t.Helper()
	text, err := os.ReadFile(filepath.Join(h.dir, "config.hcl"))
	if err != nil {
		s.t.Fatal(err)
	}
	h.write("config.hcl", string(text)+rules+fmt.Sprintf(`
store {
  engine = "etcd"
  host   = "int-%d"
  etcd {
    endpoints = [%q]
    prefix    = %q
  }
}
`, len(s.all)+1, s.etcd.URL, s.prefix))
	s.all = append(s.all, h)
	s.runs = append(s.runs, h.start("daemon"))
	s.speak = append(s.speak, h.speak())
}

// office waits until one of the hosts says that one of these is in office, and
// returns its number.
func (s *hosts) office(of ...int) (in int) {
	s.t.Helper()
	// Those that cannot refresh complain after a minute, and a session has to end.
	ctx, cancel := context.WithTimeout(s.t.Context(), 5*time.Minute)
	defer cancel()
	untilDone(ctx, s.t, func(ctx context.Context) error {
		for _, i := range of {
			found, err := s.speak[i].Hosts(ctx)
			if err != nil {
				return err
			}
			for _, h := range found.Hosts {
				for _, j := range of {
					if h.Office && h.Name == fmt.Sprintf("int-%d", j+1) {
						in = j
						return nil
					}
				}
			}
		}
		return fmt.Errorf("none of %v is in office", of)
	})
	return in
}

// alike waits until these hosts publish one token for each grant.
func (s *hosts) alike(of ...int) {
	s.t.Helper()
	for _, name := range s.names {
		until(s.t, func(context.Context) error {
			var first []byte
			for _, i := range of {
				token, err := os.ReadFile(filepath.Join(s.all[i].dir, "run", "tokens", name))
				if err != nil {
					return err
				}
				if first == nil {
					first = token
				}
				if !bytes.Equal(token, first) {
					return fmt.Errorf("hosts %v publish different tokens of %s", of, name)
				}
			}
			return nil
		})
	}
}

// refreshed waits until every grant has been refreshed since.
func (s *hosts) refreshed(by int, since time.Time) {
	s.t.Helper()
	for _, name := range s.names {
		until(s.t, func(ctx context.Context) error {
			g, err := s.speak[by].Grant(ctx, name)
			if err == nil && (g.LastRefreshAt == nil || !g.LastRefreshAt.After(since)) {
				err = fmt.Errorf("grant %s was refreshed at %v, which is before %v: %s %s", name, g.LastRefreshAt, since, g.State, g.Reason)
			}
			return err
		})
	}
}

func (s *hosts) nothingSentTwice(when string) {
	s.t.Helper()
	if n := s.all[0].webex.Stats().Reuses; n != 0 {
		s.t.Errorf("%s: %d used-up refresh tokens were sent", when, n)
	}
}

// takesMinutes lets hosts that wait for one another wait beside each other.
func takesMinutes(t *testing.T) {
	if !thorough() {
		t.Skip("hosts wait for minutes until one is given up: CI=true runs this")
	}
	t.Parallel()
}

func TestThreeHostsRefreshOncePublishAlikeAndTakeOver(t *testing.T) {
	takesMinutes(t)
	s := newHosts(t, 3, true, 30*time.Second)
	lead := s.office(0, 1, 2)
	others := []int{(lead + 1) % 3, (lead + 2) % 3}
	// Imports come to a host that is not in office.
	s.names = s.all[others[0]].registerFleet(s.speak[others[0]], fleetSize)
	s.alike(0, 1, 2)
	s.refreshed(others[1], time.Now())
	s.alike(0, 1, 2)
	s.nothingSentTwice("in quiet times")

	ctx, cancel := patience(t)
	defer cancel()
	before, err := s.speak[others[0]].Grant(ctx, s.names[0])
	if err != nil {
		t.Fatal(err)
	}
	var after wire.Grant
	if after, err = s.speak[others[0]].Refresh(ctx, s.names[0]); err != nil || after.Generation <= before.Generation {
		t.Errorf("an order to a host that is not in office: generation %d, was %d, %v", after.Generation, before.Generation, err)
	}

	// A host that stands still for longer than its session lives.
	pid := s.runs[lead].cmd.Process.Pid
	if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	stood := time.Now()
	next := s.office(others...)
	t.Logf("another host took over after %v", time.Since(stood))
	if err := syscall.Kill(pid, syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	s.refreshed(next, time.Now())
	s.alike(0, 1, 2)
	s.nothingSentTwice("after a host stood still")

	// A host that is lost.
	s.runs[next].kill()
	s.runs[next].wait()
	rest := []int{(next + 1) % 3, (next + 2) % 3}
	last := s.office(rest...)
	s.refreshed(last, time.Now())
	s.alike(rest...)
	s.nothingSentTwice("after a host was lost")
	for _, i := range rest {
		s.runs[i].kill()
		s.runs[i].wait()
	}
}

// A host that is lost with a request under way leaves its intent behind, which
// nobody may take over before that request can no longer arrive.
func TestWhatALostHostLeftOpenIsTakenOverWhenItIsOver(t *testing.T) {
	takesMinutes(t)
	s := newHosts(t, 2, false, time.Hour)
	lead := s.office(0, 1)
	s.names = s.all[lead].registerFleet(s.speak[lead], 1)
	s.alike(0, 1)
	var lost time.Time
	s.all[lead].midway(s.speak[lead], s.names[0], func() {
		lost = time.Now()
		s.runs[lead].kill()
		s.runs[lead].wait()
	})
	other := 1 - lead
	s.office(other)
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	for {
		g, err := s.speak[other].Grant(ctx, s.names[0])
		if err != nil {
			t.Fatal(err)
		}
		if g.LastRefreshAt != nil && g.LastRefreshAt.After(lost) {
			break
		}
		// An order must not get round it either.
		if _, err := s.speak[other].Refresh(ctx, s.names[0]); err == nil {
			break
		}
		time.Sleep(time.Second)
	}
	if took := time.Since(lost); took < office.Rest {
		t.Errorf("it was sent again after %v", took)
	}
	s.runs[other].kill()
	s.runs[other].wait()
}

// A host whose secret is an old one kept the office, and no grant was refreshed
// although the other one could.
func TestAHostThatAloneCannotRefreshHandsOver(t *testing.T) {
	takesMinutes(t)
	s := newHosts(t, 2, true, 20*time.Second)
	lead := s.office(0, 1)
	s.names = s.all[lead].registerFleet(s.speak[lead], 2)
	s.alike(0, 1)
	s.all[lead].write("secret", "an old one")
	other := 1 - lead
	began := time.Now()
	s.office(other)
	t.Logf("the other host took over after %v", time.Since(began))
	s.refreshed(other, time.Now())
	s.alike(0, 1)
	s.nothingSentTwice("after a host handed over")
	until(t, func(ctx context.Context) error {
		sum, err := s.speak[other].Status(ctx)
		for _, h := range sum.Hosts {
			if h.Name == fmt.Sprintf("int-%d", lead+1) && h.Complaint != "" {
				return nil
			}
		}
		return errors.Join(err, fmt.Errorf("nobody says what keeps host %d from refreshing: %+v", lead+1, sum.Hosts))
	})
	for _, run := range s.runs {
		run.kill()
		run.wait()
	}
}

// What was under way when etcd went away must be stored when it is back, over a
// restart too; meanwhile tokens are read, and nothing is sent.
func TestWhileEtcdIsAwayTokensAreReadAndAnswersKept(t *testing.T) {
	takesMinutes(t)
	s := newHosts(t, 1, true, time.Hour)
	s.office(0)
	h, c := s.all[0], s.speak[0]
	s.names = h.registerFleet(c, 2)
	s.alike(0)
	under, other := s.names[0], s.names[1]
	h.midway(c, under, s.etcd.Kill)
	h.becomes(c, under, store.Unpersisted)
	h.serves(c, under)
	h.serves(c, other)
	// Questions to the API, such as when a token ends, need no intent.
	asked := func() (refreshes int) {
		for _, call := range h.webex.Calls() {
			if call.GrantType != "" {
				refreshes++
			}
		}
		return refreshes
	}
	sent := asked()
	ctx, cancel := patience(t)
	defer cancel()
	if _, err := c.Refresh(ctx, other); err == nil {
		t.Error("an order is carried out without an intent")
	}
	until(t, func(ctx context.Context) error {
		sum, err := c.Status(ctx)
		if err == nil && sum.HostsFault == "" {
			err = errors.New("nobody says that etcd is away")
		}
		return err
	})

	s.runs[0].kill()
	s.runs[0].wait()
	s.runs[0] = h.start("daemon")
	c = h.speak()
	h.serves(c, under)
	h.serves(c, other)
	if n := asked(); n != sent {
		t.Errorf("%d requests without an intent", n-sent)
	}

	s.etcd.Restart(t)
	s.office(0)
	h.becomes(c, under, store.OK)
	g, err := c.Grant(ctx, under)
	if err != nil || g.Generation != 2 {
		t.Errorf("the answer is not what was stored: generation %d, %v", g.Generation, err)
	}
	if _, err := c.Refresh(ctx, under); err != nil {
		t.Errorf("with the token that was kept: %v", err)
	}
	s.nothingSentTwice("after etcd was away")
	s.runs[0].kill()
	s.runs[0].wait()
}

// A host that was started with other rules marked the grants of all as undeclared,
// and so paused them.
func TestAHostWithOtherRulesChangesNothingAndSaysSo(t *testing.T) {
	takesMinutes(t)
	s := newHosts(t, 2, true, time.Hour)
	lead := s.office(0, 1)
	s.names = s.all[lead].registerFleet(s.speak[lead], fleetSize)
	s.alike(0, 1)
	list := func(host int) (all []wire.Grant) {
		for _, name := range s.names {
			until(t, func(ctx context.Context) error {
				g, err := s.speak[host].Grant(ctx, name)
				if err == nil && g.RefreshDueAt == nil {
					err = fmt.Errorf("grant %s is never due", name)
				}
				if err == nil {
					all = append(all, g)
				}
				return err
			})
		}
		return all
	}
	before := list(lead)
	for range 2 { // more hosts, then one with a rule of its own
		s.join("")
	}
	s.join(`
grant "another" {
  integration = "rest"
}
`)
	s.alike(0, 1, 2, 3, 4)
	until(t, func(ctx context.Context) error {
		found, err := s.speak[lead].Hosts(ctx)
		for _, h := range found.Hosts {
			if h.Name == "int-5" && h.Rules == "other" {
				return nil
			}
		}
		return errors.Join(err, fmt.Errorf("nobody says that its rules are others: %+v", found.Hosts))
	})
	// Those with the rules of the fleet come first when the one in office is lost.
	s.runs[lead].kill()
	s.runs[lead].wait()
	rest := []int{1 - lead, 2, 3}
	next := s.office(rest...)
	for _, i := range []int{next, 4} {
		same := func(was, is wire.Grant) bool {
			// When a token ends is learned by the millisecond after its import.
			return was.Name == is.Name && was.State == is.State && was.Generation == is.Generation && is.RefreshDueAt.Sub(*was.RefreshDueAt).Abs() < time.Second
		}
		if after := list(i); !slices.EqualFunc(before, after, same) {
			t.Errorf("host %d: before others joined\n%+v\nafter\n%+v", i+1, before, after)
		}
	}
	s.nothingSentTwice("after others joined")
	for i, run := range s.runs {
		if i != lead {
			run.kill()
			run.wait()
		}
	}
}
