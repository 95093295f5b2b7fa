package fleet_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"webex-tokend/daemon/emulator"
	"webex-tokend/daemon/emulator/lab"
	"webex-tokend/store"
)

// alike declares an integration of the emulator's REST client under another
// name, at a token URL of its own, with grants name-*.
func alike(name, settings string) string { return alikeAt(name, name+".test", settings) }

// alikeAt does so at the token URL of a host.
func alikeAt(name, host, settings string) string {
	return fmt.Sprintf(`
integration %[1]q {
  kind               = "rest"
  client_id          = %[2]q
  client_secret_file = "SECRET"
  token_url          = "https://%[3]s/v1/access_token"
  %[4]s
}
grant "%[1]s-*" {
  integration = %[1]q
}
`, name, emulator.New(calm).Client(emulator.REST).ID, host, settings)
}

// A turnstile stands before an emulator and counts who is inside.
type turnstile struct {
	http.RoundTripper
	// linger is how long each request takes.
	linger time.Duration

	mu     sync.Mutex
	inside map[string]int // by host
	most   map[string]int
	starts map[string][]time.Time
}

func (s *turnstile) around(inner http.RoundTripper) http.RoundTripper {
	s.RoundTripper = inner
	s.inside, s.most, s.starts = make(map[string]int), make(map[string]int), make(map[string][]time.Time)
	return s
}

func (s *turnstile) RoundTrip(req *http.Request) (*http.Response, error) {
	host := req.URL.Host
	s.mu.Lock()
	s.inside[host]++
	s.most[host] = max(s.most[host], s.inside[host])
	s.starts[host] = append(s.starts[host], time.Now())
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.inside[host]--
	}()
	resp, err := s.RoundTripper.RoundTrip(req)
	time.Sleep(s.linger)
	return resp, err
}

// times are when requests for a host began.
func (s *turnstile) times(host string) []time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.starts[host])
}

// peak is how many were inside at a time.
func (s *turnstile) peak(host string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.most[host]
}

// behind runs a test in a bubble with a turnstile before the emulator.
func behind(t *testing.T, linger time.Duration, more string, test func(t *testing.T, h *host, s *turnstile)) {
	synctest.Test(t, func(t *testing.T) {
		s := &turnstile{linger: linger}
		h := &host{t: t, dir: ramDir(t), webex: emulator.New(calm), transport: s.around}
		h.configure(more)
		h.start()
		defer func() { h.stop() }()
		h.settle()
		test(t, h, s)
	})
}

func TestABlockedEndpointNeverHidesTheOthers(t *testing.T) {
	for _, c := range []struct {
		name  string
		block func(t *testing.T, h *host)
	}{
		{"one that asked for patience", func(t *testing.T, h *host) {
			h.webex.Script(lab.Limit("3600"))
			h.fleet.Refresher.Refresh(t.Context(), "rest-00")
		}},
		{"one that rejects the client", func(t *testing.T, h *host) {
			h.webex.RejectClient(h.webex.Client(emulator.REST).ID, true)
			h.fleet.Refresher.Refresh(t.Context(), "rest-00")
		}},
		{"one that never answers", func(_ *testing.T, h *host) {
			for range 40 {
				h.webex.ScriptAt("/v1/access_token", lab.Hang())
			}
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			inBubble(t, calm, "", func(t *testing.T, h *host) {
				for i := range 40 {
					h.register(fmt.Sprintf("rest-%02d", i), emulator.REST)
				}
				time.Sleep(14*day + time.Hour)
				for i := range 40 {
					h.register(fmt.Sprintf("meetings-%02d", i), emulator.Meetings)
				}
				time.Sleep(100 * time.Minute)
				c.block(t, h)
				h.fleet.Sweeper.Sweep(t.Context())
				synctest.Wait()
				for i := range 40 {
					if g := h.grant(fmt.Sprintf("meetings-%02d", i)); g.Generation != 2 {
						t.Fatalf("%s waits for another endpoint", g.Name)
					}
				}
			})
		})
	}
}

func TestWhatEndsFirstIsRefreshedFirst(t *testing.T) {
	behind(t, time.Second, alike("narrow", "concurrency = 1"), func(t *testing.T, h *host, _ *turnstile) {
		const grants = 30
		ends := make(map[emulator.GrantID]time.Time)
		for i := range grants {
			issued := h.webex.Issue(emulator.REST, emulator.Consent{})
			// The older its due time, the later its token ends.
			h.take(fmt.Sprintf("narrow-%02d", i), fmt.Appendf(nil, `{"access_token":"a","refresh_token":%q,"expires_in":%d}`,
				issued.RefreshToken, int((20*day-time.Duration(i*7%grants)*6*time.Hour)/time.Second)))
			ends[issued.Grant] = *h.grant(fmt.Sprintf("narrow-%02d", i)).AccessExpiresAt
		}
		time.Sleep(12 * day)
		h.sweep()
		var order []time.Time
		for _, call := range h.webex.Calls() {
			order = append(order, ends[call.Grant])
		}
		if len(order) != grants {
			t.Fatalf("%d requests", len(order))
		}
		sorted := slices.SortedFunc(slices.Values(order), time.Time.Compare)
		for i, end := range order {
			// A few make their intents at the same time, in any order.
			if place := slices.Index(sorted, end); place < i-8 || place > i+8 {
				t.Errorf("request %d is for the token that ends as number %d", i, place)
			}
		}
	})
}

func TestIntegrationsWithOneTokenURLShareItsSmallestLimits(t *testing.T) {
	both := func(first, second string) string {
		return alikeAt("wide", "shared.test", first) + alikeAt("tight", "shared.test", second)
	}
	fill := func(h *host) {
		for i := range 10 {
			h.register(fmt.Sprint("wide-", i), emulator.REST)
			h.register(fmt.Sprint("tight-", i), emulator.REST)
		}
		time.Sleep(8 * day)
	}
	t.Run("requests in flight", func(t *testing.T) {
		behind(t, time.Second, both("concurrency = 9", "concurrency = 3"), func(t *testing.T, h *host, s *turnstile) {
			fill(h)
			h.sweep()
			if n := len(s.times("shared.test")); n != 20 {
				t.Errorf("%d requests", n)
			}
			if n := s.peak("shared.test"); n != 3 {
				t.Errorf("%d requests at a time", n)
			}
		})
	})
	t.Run("requests per second", func(t *testing.T) {
		behind(t, 0, both(`rate = "120/m"`, `rate = "5/s"`), func(t *testing.T, h *host, s *turnstile) {
			fill(h)
			h.sweep()
			starts := s.times("shared.test")
			if len(starts) != 20 {
				t.Errorf("%d requests", len(starts))
			}
			for i := range starts[1:] {
				if gap := starts[i+1].Sub(starts[i]); gap < 500*time.Millisecond {
					t.Errorf("%v between two requests", gap)
				}
			}
		})
	})
	t.Run("the patience that one of them is asked for", func(t *testing.T) {
		behind(t, 0, both("", ""), func(t *testing.T, h *host, s *turnstile) {
			fill(h)
			h.webex.Script(lab.Limit("600"))
			h.fleet.Refresher.Refresh(t.Context(), "wide-0")
			h.live(9*time.Minute, time.Second)
			if n := len(s.times("shared.test")); n != 1 {
				t.Errorf("%d requests within ten minutes", n)
			}
			h.live(2*time.Minute, time.Second)
			if n := len(s.times("shared.test")); n < 20 {
				t.Errorf("%d requests after ten minutes", n)
			}
		})
	})
}

func TestADamagedRecordStopsItsGrantAlone(t *testing.T) {
	inBubble(t, calm, "", func(t *testing.T, h *host) {
		for i := range 5 {
			h.register(fmt.Sprint("rest-", i), emulator.REST)
		}
		h.damage("rest-2") // and due since ever
		h.live(20*day, time.Hour)
		for i := range 5 {
			g := h.grant(fmt.Sprint("rest-", i))
			if damaged := i == 2; damaged != (g.State == string(store.Damaged)) || !damaged && g.Generation < 3 {
				t.Errorf("%s is %s at generation %d", g.Name, g.State, g.Generation)
			}
		}
	})
}

func TestAHundredCallersMakeOneRequest(t *testing.T) {
	inBubble(t, emulator.Config{Calm: true, Rotate: true}, "", func(t *testing.T, h *host) {
		h.register("meetings-1", emulator.Meetings)
		time.Sleep(3 * time.Hour)
		arrived, release := make(chan struct{}), make(chan struct{})
		h.webex.Script(lab.Hold(arrived, release))
		var callers sync.WaitGroup
		for i := range 100 {
			callers.Go(func() {
				var err error
				switch i % 3 {
				case 0:
					err = h.fleet.Refresher.Refresh(context.Background(), "meetings-1")
				case 1:
					_, err = h.fleet.Refresher.Token(context.Background(), "meetings-1", 0)
				case 2:
					h.fleet.Sweeper.Sweep(context.Background())
				}
				if err != nil {
					t.Error(err)
				}
			})
		}
		<-arrived
		synctest.Wait()
		close(release)
		callers.Wait()
		if s := h.webex.Stats(); s.Requests != 1 || s.Reuses != 0 {
			t.Errorf("%d requests, %d of a used token", s.Requests, s.Reuses)
		}
		if g := h.is("meetings-1", store.OK, ""); g.Generation != 2 {
			t.Errorf("generation %d", g.Generation)
		}
	})
}

func TestAPausedGrantIsLeftAloneUntilItIsResumed(t *testing.T) {
	inBubble(t, calm, "", func(t *testing.T, h *host) {
		h.register("rest-1", emulator.REST)
		if err := h.fleet.Registry.Pause(t.Context(), "rest-1"); err != nil {
			t.Fatal(err)
		}
		h.live(30*day, time.Hour)
		if n := h.webex.Stats().Requests; n != 0 {
			t.Errorf("%d requests for a paused grant", n)
		}
		if n := h.status(nil).Keeper.Overdue; n != 0 {
			t.Errorf("%d grants are overdue", n)
		}
		if err := h.fleet.Registry.Resume(t.Context(), "rest-1"); err != nil {
			t.Fatal(err)
		}
		h.sweep()
		if g := h.is("rest-1", store.OK, ""); g.Generation != 2 {
			t.Errorf("generation %d", g.Generation)
		}
	})
}

func TestTheIntervalCountsFromStartToStart(t *testing.T) {
	behind(t, 20*time.Second, alike("slow", `min_interval = "60s"`), func(t *testing.T, h *host, s *turnstile) {
		h.register("slow-1", emulator.REST)
		if err := h.fleet.Refresher.Refresh(t.Context(), "slow-1"); err != nil {
			t.Fatal(err)
		}
		h.webex.Revoke(h.stored("slow-1").Token.Access.Reveal())
		time.Sleep(14 * day) // expired: the daily budget no longer counts
		h.webex.Script(lab.Reply(503, nil, ""), lab.Reply(503, nil, ""))
		began := time.Now()
		for range 90 {
			go h.fleet.Refresher.Token(context.Background(), "slow-1", 0)
			time.Sleep(time.Second)
		}
		time.Sleep(time.Minute)
		starts := s.times("slow.test")[1:]
		if len(starts) != 2 || !starts[0].Equal(began) || starts[1].Sub(began) != time.Minute {
			t.Errorf("requests at %v after %v", starts, began)
		}
	})
}

func TestAFailingGrantIsTriedOnceAnInterval(t *testing.T) {
	behind(t, 0, alike("calmly", `min_interval = "30m"`), func(t *testing.T, h *host, s *turnstile) {
		h.register("calmly-1", emulator.REST)
		for range 500 {
			h.webex.ScriptAt("/v1/access_token", lab.Reply(500, nil, ""))
		}
		h.live(16*day, time.Minute)
		starts := s.times("calmly.test")
		if len(starts) < 100 {
			t.Errorf("only %d tries in nine days", len(starts))
		}
		for i := range starts[1:] {
			if gap := starts[i+1].Sub(starts[i]); gap < 30*time.Minute {
				t.Fatalf("%v between two tries", gap)
			}
		}
	})
}

func TestLivesOfSecondsWorkAsAnyOther(t *testing.T) {
	short := emulator.Config{Calm: true, AccessLife: 12 * time.Second, RefreshLife: time.Hour}
	inBubble(t, short, alike("short", `min_interval = "1s"`), func(t *testing.T, h *host) {
		h.settle()
		h.register("short-1", emulator.REST)
		for range 600 {
			h.sweep()
			if _, err := h.fleet.Refresher.Token(t.Context(), "short-1", time.Second); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Second)
		}
		// Due after about 7.9 s, found by a sweep each second.
		if n := h.webex.Stats().Requests; n < 60 || n > 80 {
			t.Errorf("%d requests in ten minutes", n)
		}
	})
}

func TestACalendarHoldsUnlessItWouldBeTooLate(t *testing.T) {
	const nights = `
grant "rest-night" {
  integration = "rest"
  refresh {
    calendar = "0 3 * * *"
  }
}
grant "meetings-night" {
  integration = "meetings"
  refresh {
    calendar = "0 3 * * *"
  }
}
`
	busy(t, nights, func(t *testing.T, h *host) {
		h.settle()
		long := h.register("rest-night", emulator.REST)
		short := h.register("meetings-night", emulator.Meetings)
		for end := time.Now().Add(30 * day); time.Now().Before(end); time.Sleep(2 * time.Minute) {
			h.sweep()
			if end := h.stored("meetings-night").Token.ExpiresAt; time.Until(end) < 13*time.Minute {
				t.Fatalf("%v left of the short token", time.Until(end))
			}
		}
		nightly := 0
		for _, call := range h.webex.Calls() {
			clock := call.At.Local()
			three := time.Date(clock.Year(), clock.Month(), clock.Day(), 3, 0, 0, 0, time.Local)
			atThree := clock.Sub(three) >= 0 && clock.Sub(three) <= 2*time.Minute
			switch call.Grant {
			case long.Grant:
				if !atThree {
					t.Errorf("the long token was refreshed at %v", clock)
				}
			case short.Grant:
				if atThree {
					nightly++
				}
			}
		}
		if nightly < 3 {
			t.Errorf("the short token met the calendar %d times", nightly)
		}
	})
}

// A refresh that hung on its way was no longer counted as overdue, although
// nothing came of it.
func TestARefreshThatHangsIsOverdueToo(t *testing.T) {
	inBubble(t, calm, "", func(t *testing.T, h *host) {
		h.register("meetings-1", emulator.Meetings)
		arrived, release := make(chan struct{}), make(chan struct{})
		h.webex.Script(lab.Hold(arrived, release))
		time.Sleep(time.Until(*h.grant("meetings-1").RefreshDueAt) + 4*time.Minute + 50*time.Second)
		h.fleet.Sweeper.Sweep(t.Context())
		<-arrived
		time.Sleep(15 * time.Second)
		h.fleet.Sweeper.Sweep(t.Context())
		if n := h.meter.Health().Overdue; n != 1 {
			t.Errorf("%d overdue while a request hangs", n)
		}
		close(release)
		h.fleet.Sweeper.Idle(t.Context())
		h.fleet.Sweeper.Sweep(t.Context())
		if n := h.meter.Health().Overdue; n != 0 {
			t.Errorf("%d overdue after its answer", n)
		}
	})
}
