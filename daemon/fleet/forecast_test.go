package fleet_test

import (
	"fmt"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"webex-tokend/daemon/emulator"
	"webex-tokend/daemon/emulator/lab"
	"webex-tokend/daemon/report"
	"webex-tokend/daemon/wire"
	"webex-tokend/store"
	"webex-tokend/store/storetest"
)

// shortWindows lives two days by the token and twelve by the window, so that an
// outage of eleven and a half days ends some grants of a fleet and spares others.
func shortWindows(t *testing.T, movement emulator.Window) *host {
	h := &host{t: t, dir: t.TempDir(), memory: new(storetest.Memory), quiet: true,
		webex: emulator.New(emulator.Config{Seed: 5, Calm: true, Window: movement, AccessLife: 2 * day, RefreshLife: 12 * day})}
	h.configure("")
	h.start()
	return h
}

// outcomes foretold, by grant.
func (h *host) foretold(o report.Outage) map[string]wire.Prospect {
	h.t.Helper()
	f, err := h.report.Forecast(h.t.Context(), nil, o)
	if err != nil {
		h.t.Fatal(err)
	}
	prospects := make(map[string]wire.Prospect)
	for _, p := range f.Grants {
		prospects[p.Grant] = p
	}
	return prospects
}

func TestAForecastAgreesWithTheKeeperThatLivesThroughTheOutage(t *testing.T) {
	for _, c := range []struct {
		name     string
		movement emulator.Window
		endpoint bool
		outage   time.Duration
		lost     int // of twelve: at least, and no fewer survive when some may
		spared   int
	}{
		{"the daemon is away, windows slide", emulator.Sliding, false, 11*day + 12*time.Hour, 1, 1},
		{"the endpoint is down, windows slide", emulator.Sliding, true, 11*day + 12*time.Hour, 1, 1},
		{"a short outage ends nothing", emulator.Sliding, false, 9 * day, 0, 12},
		{"fixed windows end by themselves", emulator.Fixed, false, day, 12, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := shortWindows(t, c.movement)
				defer h.stop()
				var names []string
				for i := range 12 {
					name := fmt.Sprintf("rest-%d", i)
					h.register(name, emulator.REST)
					names = append(names, name)
					h.live(2*time.Hour, 10*time.Minute)
				}
				h.live(4*day, 10*time.Minute)

				now := time.Now().UTC()
				o := report.Outage{From: now.Add(day), For: c.outage, EndpointDown: c.endpoint, Until: now.Add(20 * day)}
				foretold := h.foretold(o)
				if c.endpoint {
					h.webex.DownBetween(o.From, o.From.Add(o.For))
				}
				h.live(time.Until(o.From), 10*time.Minute)
				if !c.endpoint {
					time.Sleep(o.For)
				}
				h.live(time.Until(o.Until), 10*time.Minute)

				lost, spared := 0, 0
				for _, name := range names {
					p, r := foretold[name], h.stored(name)
					dead := r.Rejection.Count > 0 || !r.ReauthorizeSince.IsZero() || !time.Now().Before(r.Refresh.EndsAt)
					switch p.Outcome {
					case wire.Endures:
						spared++
						if dead {
							t.Errorf("%s was to survive, and its window ended at %v", name, r.Refresh.EndsAt)
						}
					case wire.Lost, wire.Ends:
						lost++
						if !dead || r.Refresh.EndsAt.Sub(*p.At).Abs() > time.Hour {
							t.Errorf("%s was to end at %v, its window ends at %v, it is %s", name, p.At, r.Refresh.EndsAt, h.grant(name).State)
						}
					default:
						t.Errorf("%s is %s", name, p.Outcome)
					}
				}
				if lost < c.lost || spared < c.spared {
					t.Errorf("%d are lost and %d spared: the outage tells nothing", lost, spared)
				}
			})
		})
	}
}

func TestTheLongestOutageIsTheNearestWindowEndAtItsBegin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := shortWindows(t, emulator.Sliding)
		defer h.stop()
		h.register("rest-1", emulator.REST)
		h.live(3*day, 10*time.Minute)
		h.register("rest-2", emulator.REST)
		h.register("rest-3", emulator.REST)
		if err := h.fleet.Registry.Pause(t.Context(), "rest-3"); err != nil {
			t.Fatal(err)
		}
		now := time.Now().UTC()
		f, err := h.report.Forecast(t.Context(), func(name string) bool { return name != "rest-2" },
			report.Outage{From: now, For: time.Hour, Until: now.Add(30 * day)})
		if err != nil {
			t.Fatal(err)
		}
		if f.Longest == nil || f.Longest.Grant != "rest-1" || !f.Longest.At.Equal(h.stored("rest-1").Refresh.EndsAt) {
			t.Errorf("the longest is %+v", f.Longest)
		}
		if len(f.Grants) != 2 || f.Grants[0].Grant != "rest-3" || f.Grants[0].Outcome != wire.Ends || f.Grants[1].Outcome != wire.Endures {
			t.Errorf("the grants are %+v", f.Grants)
		}
	})
}

func TestATokenThatNobodyRefreshesSaysNothingOfTheLongestOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := shortWindows(t, emulator.Fixed)
		defer h.stop()
		h.configure("integration \"bots\" {\n  kind = \"static\"\n}\ngrant \"bot\" {\n  integration = \"bots\"\n}\n")
		if err := h.fleet.Reconfigure(t.Context(), h.config); err != nil {
			t.Fatal(err)
		}
		h.take("bot", []byte(`{"access_token":"bot-1","expires_in":172800}`))
		h.register("rest-1", emulator.REST)
		now := time.Now().UTC()
		o := report.Outage{From: now, For: time.Hour, Until: now.Add(30 * day)}
		f, err := h.report.Forecast(t.Context(), nil, o)
		if err != nil {
			t.Fatal(err)
		}
		if f.Longest == nil || f.Longest.Grant != "rest-1" {
			t.Errorf("the longest is that of %+v", f.Longest)
		}
	})
}

func TestAForecastNamesGrantsOfWhichNothingIsRegistered(t *testing.T) {
	inBubble(t, calm, "grant \"new\" {\n  integration = \"meetings\"\n}\n", func(t *testing.T, h *host) {
		p := h.foretold(report.Outage{From: time.Now(), For: day, Until: time.Now().Add(120 * day)})["new"]
		if p.Outcome != wire.Undecided || p.Kind != "meetings" || p.At != nil {
			t.Errorf("foretold %+v", p)
		}
	})
}

func TestAForecastStoresNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := shortWindows(t, emulator.Sliding)
		defer h.stop()
		h.register("rest-1", emulator.REST)
		before := h.revision("rest-1")
		now := time.Now().UTC()
		h.foretold(report.Outage{From: now.Add(day), For: 9 * day, EndpointDown: true, Until: now.Add(100 * day)})
		if h.revision("rest-1") != before {
			t.Error("the record was changed")
		}
	})
}

func TestADrainRefreshesWhatGainsFromIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := shortWindows(t, emulator.Sliding)
		defer h.stop()
		h.register("rest-old", emulator.REST)
		h.live(time.Minute, time.Minute)
		time.Sleep(12 * time.Hour)
		h.register("rest-new", emulator.REST)
		h.register("rest-paused", emulator.REST)
		if err := h.fleet.Registry.Pause(t.Context(), "rest-paused"); err != nil {
			t.Fatal(err)
		}
		// The endpoint asks for patience once: the drain waits for it.
		h.webex.Script(lab.Reply(429, http.Header{"Retry-After": {"30"}}, ""))
		begin := time.Now()
		var told []wire.Drained
		// In 40 hours the old token is expired, a fresh one and the new one are not.
		if err := h.fleet.Sweeper.Drain(t.Context(), 40*time.Hour, func(d wire.Drained) error { told = append(told, d); return nil }); err != nil {
			t.Fatal(err)
		}
		want := []wire.Drained{{Grant: "rest-old", Done: 1, Of: 1, Refreshed: 1}, {Done: 1, Of: 1, Refreshed: 1}}
		if fmt.Sprint(told) != fmt.Sprint(want) {
			t.Errorf("told %+v", told)
		}
		if time.Since(begin) < 30*time.Second {
			t.Error("it did not wait as long as the endpoint asked")
		}
		if g := h.grant("rest-old"); g.Generation != 2 || g.State != string(store.OK) {
			t.Errorf("the old one is %s at generation %d", g.State, g.Generation)
		}
		if g := h.grant("rest-new"); g.Generation != 1 {
			t.Errorf("the new one is at generation %d", g.Generation)
		}
	})
}
