package fleet_test

import (
	"fmt"
	"os"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"webex-tokend/daemon/emulator"
	"webex-tokend/daemon/emulator/lab"
	"webex-tokend/store"
)

const day = 24 * time.Hour

// A trouble is a span in which the endpoint does not do what it should.
type trouble struct {
	from, to time.Duration // since the start
	storm    bool          // answers 503 to every second request; else it is away
}

// troubles of 400 days: short ones, storms, and a week in which Webex is away
// fall into the first 130, which are as many as pass without WEBEX_TOKEND_DAYS.
var troubles = []trouble{
	{from: 10*day + 2*time.Hour, to: 10*day + 3*time.Hour},
	{from: 35 * day, to: 35*day + 6*time.Hour, storm: true},
	{from: 80 * day, to: 80*day + 20*time.Minute},
	{from: 120 * day, to: 127 * day},
	{from: 200 * day, to: 203 * day, storm: true},
	{from: 300*day + 11*time.Hour, to: 300*day + 14*time.Hour},
}

// settling is how long after a trouble a token may still be missing: the
// longest pause between two tries once it has expired, and the sweep.
const settling = 15 * time.Minute

func TestMonthsLoseNoGrantAndLetNoTokenExpireWhileTheEndpointIsUp(t *testing.T) {
	if testing.Short() {
		t.Skip("months are not short")
	}
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		moods := emulator.DefaultMischief()
		moods.Empty = 0 // a 200 that brings nothing would count as a token below
		h := newHost(t, emulator.Config{Seed: 1, KeepCalls: 1 << 20, Mischief: &moods}, "")
		names := h.population(5)
		for _, x := range troubles {
			if !x.storm {
				h.webex.DownBetween(begin.Add(x.from), begin.Add(x.to))
			}
		}
		watch := newExpiryWatch(h, names, begin)
		for time.Since(begin) < days(t, 130) {
			for _, x := range troubles {
				if since := time.Since(begin); x.storm && since >= x.from && since < x.to && h.webex.Scripted() == 0 {
					h.webex.Script(lab.Reply(503, nil, ""), lab.Behave())
				}
			}
			h.sweep()
			if err := watch.look(); err != nil {
				t.Fatal(err)
			}
			time.Sleep(30 * time.Second)
		}
		for _, name := range names {
			if g := h.grant(name); g.State != string(store.OK) && g.State != string(store.Retrying) {
				t.Errorf("%s is %s: %s", name, g.State, g.Reason)
			}
		}
		h.checkBudget(begin)
		t.Logf("%+v", h.webex.Stats())
		h.stop()
	})
}

// days is how long a simulation lasts.
func days(t *testing.T, usual time.Duration) time.Duration {
	text := os.Getenv("WEBEX_TOKEND_DAYS")
	if text == "" {
		return usual * day
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	return time.Duration(n) * day
}

func TestTheWatchOverExpiriesSeesAKeeperThatSleeps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t, emulator.Config{Calm: true}, "")
		watch := newExpiryWatch(h, h.population(1), time.Now())
		h.live(3*time.Hour, time.Minute)
		if err := watch.look(); err != nil {
			t.Fatalf("it blames a fleet that works: %v", err)
		}
		time.Sleep(3 * time.Hour)
		if watch.look() == nil {
			t.Error("it saw nothing")
		}
		h.stop()
	})
}

func TestFixedWindowsEndEachGrantAtItsWindowAndNotBefore(t *testing.T) {
	if testing.Short() {
		t.Skip("months are not short")
	}
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		h := newHost(t, emulator.Config{Seed: 2, Window: emulator.Fixed}, "")
		names := h.population(3)
		ends := make(map[string]time.Time)
		for _, name := range names {
			ends[name] = *h.grant(name).WindowEndsAt
		}
		given := make(map[string]time.Time)
		for time.Since(begin) < 120*day {
			h.sweep()
			for _, name := range names {
				g := h.grant(name)
				if _, up := given[name]; !up && g.State == string(store.Reauthorize) {
					given[name] = time.Now()
					if g.Reason != "window_ended" {
						t.Errorf("%s was given up for %s", name, g.Reason)
					}
				}
			}
			time.Sleep(5 * time.Minute)
		}
		for _, name := range names {
			up, end := given[name], ends[name]
			if up.IsZero() || up.Before(end) {
				t.Errorf("%s was given up at %v, its window ended at %v", name, up, end)
			}
			// The last token, taken just before the end, lives on behind it.
			r := h.stored(name)
			if life := r.Token.ExpiresAt.Sub(r.Token.IssuedAt); r.Token.ExpiresAt.Before(end.Add(life * 8 / 10)) {
				t.Errorf("the last token of %s ended at %v, %v after its window", name, r.Token.ExpiresAt, r.Token.ExpiresAt.Sub(end))
			}
		}
		h.stop()
	})
}

// population registers n grants of either kind.
func (h *host) population(n int) []string {
	var names []string
	for i := range n {
		for kind, prefix := range map[emulator.Kind]string{emulator.REST: "rest", emulator.Meetings: "meetings"} {
			name := fmt.Sprintf("%s-%d", prefix, i)
			h.register(name, kind)
			names = append(names, name)
		}
	}
	return names
}

// An expiryWatch finds tokens that ended although somebody could have renewed
// them.
type expiryWatch struct {
	h     *host
	names []string
	begin time.Time
	ends  map[string]time.Time
}

func newExpiryWatch(h *host, names []string, begin time.Time) *expiryWatch {
	return &expiryWatch{h: h, names: names, begin: begin, ends: make(map[string]time.Time)}
}

func (w *expiryWatch) look() error {
	for _, name := range w.names {
		end, known := w.ends[name]
		if known && time.Now().Before(end) {
			continue
		}
		fresh := w.h.stored(name).Token.ExpiresAt
		if known && !fresh.After(time.Now()) && !w.excused(time.Now()) {
			return fmt.Errorf("day %d: the token of %s ended at %v, %+v", time.Since(w.begin)/day, name, end, w.h.grant(name).LastError)
		}
		w.ends[name] = fresh
	}
	return nil
}

func (w *expiryWatch) excused(now time.Time) bool {
	since := now.Sub(w.begin)
	for _, x := range troubles {
		if since >= x.from && since < x.to+settling {
			return true
		}
	}
	return false
}

// checkBudget counts requests per grant: never two within the interval, never
// two successes a day for tokens that live longer than one.
func (h *host) checkBudget(begin time.Time) {
	h.t.Helper()
	last := make(map[emulator.GrantID]time.Time)
	success := make(map[emulator.GrantID]time.Time)
	for _, c := range h.webex.Calls() {
		if c.GrantType != "refresh_token" {
			continue
		}
		if gap := c.At.Sub(last[c.Grant]); gap < time.Minute {
			h.t.Fatalf("day %d: two requests for grant %d within %v", c.At.Sub(begin)/day, c.Grant, gap)
		}
		last[c.Grant] = c.At
		if status, _ := h.webex.Grant(c.Grant); c.Status != 200 || status.Kind != emulator.REST {
			continue
		}
		if gap := c.At.Sub(success[c.Grant]); gap < 23*time.Hour {
			h.t.Fatalf("day %d: two tokens for grant %d within %v", c.At.Sub(begin)/day, c.Grant, gap)
		}
		success[c.Grant] = c.At
	}
}
