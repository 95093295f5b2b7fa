package fleet_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"webex-tokend/daemon/config"
	"webex-tokend/daemon/emulator"
	"webex-tokend/daemon/emulator/lab"
	"webex-tokend/daemon/fleet"
	"webex-tokend/daemon/provider"
	"webex-tokend/daemon/refusal"
	"webex-tokend/daemon/wire"
	"webex-tokend/store"
)

// A step is one thing that happens in a world.
type step struct {
	Deed  string
	Grant string
	Pause time.Duration // with wait
	At    int           // with truncated: how much of the answer arrives
}

// deeds are all that can happen.
func deeds() map[string]func(*world, step) {
	answered := func(answer func(step) emulator.Answer) func(*world, step) {
		return func(w *world, s step) {
			w.webex.Script(answer(s))
			w.order(s.Grant)
		}
	}
	reply := func(status int, body string) func(step) emulator.Answer {
		return func(step) emulator.Answer { return lab.Reply(status, nil, body) }
	}
	return map[string]func(*world, step){
		"register": (*world).consent,
		"repeat":   (*world).repeat,
		"refresh":  func(w *world, s step) { w.order(s.Grant) },
		"ask":      (*world).ask,
		"wait":     (*world).wait,
		"pause":    func(w *world, s step) { w.fleet.Registry.Pause(w.t.Context(), s.Grant) },
		"resume":   func(w *world, s step) { w.fleet.Registry.Resume(w.t.Context(), s.Grant) },
		"remove":   (*world).remove,
		"revoke":   func(w *world, s step) { w.webex.Revoke(w.issued[s.Grant].RefreshToken) },
		"reload":   (*world).reload,
		"restart":  (*world).stopAndStart,
		"crash":    func(w *world, _ step) { w.crash() },
		"refuse":   func(w *world, _ step) { w.refuse.Store(true) },
		"accept":   func(w *world, _ step) { w.refuse.Store(false) },
		"hold":     (*world).hold,
		"twice":    (*world).second,
		"release":  func(w *world, _ step) { w.letGo() },
		"disown":   func(w *world, _ step) { w.webex.RejectClient(w.webex.Client(emulator.REST).ID, true) },
		"own":      func(w *world, _ step) { w.webex.RejectClient(w.webex.Client(emulator.REST).ID, false) },
		"lost":     answered(func(step) emulator.Answer { return lab.Lose() }),
		"cut":      answered(func(step) emulator.Answer { return lab.Cut() }),
		"hung":     answered(func(step) emulator.Answer { return lab.Hang() }),
		"limited":  answered(func(step) emulator.Answer { return lab.Limit("90") }),
		"failing":  answered(reply(503, "")),
		"empty":    answered(reply(200, "")),
		"portal":   answered(reply(200, "<html>")),
		"dead":     answered(reply(400, `{"error":"invalid_grant"}`)),
		"truncated": answered(func(s step) emulator.Answer {
			return lab.Truncate(s.At)
		}),
		"silent": answered(func(step) emulator.Answer {
			return lab.Alter(func(fields map[string]any) { delete(fields, "refresh_token") })
		}),
	}
}

// steps draws what happens. Refreshes and time come more often than the rest.
func steps() *rapid.Generator[[]step] {
	all := deeds()
	delete(all, "twice") // it is there for a positive control
	names := slices.Sorted(maps.Keys(all))
	names = append(names, "refresh", "refresh", "refresh", "wait", "wait", "wait", "accept", "accept", "own", "register", "release")
	one := rapid.Custom(func(t *rapid.T) step {
		return step{
			Deed:  rapid.SampledFrom(names).Draw(t, "deed"),
			Grant: rapid.SampledFrom(worldNames()).Draw(t, "grant"),
			Pause: rapid.SampledFrom([]time.Duration{time.Second, time.Minute, 10 * time.Minute, 2 * time.Hour, 30 * time.Hour, 8 * day}).Draw(t, "pause"),
			At:    rapid.IntRange(0, 900).Draw(t, "at"),
		}
	})
	return rapid.SliceOfN(one, 1, 40)
}

// play lets steps happen and returns what did not hold after which of them.
func play(t *testing.T, cfg emulator.Config, list []step, sabotage func(store.KV) store.KV) (err error) {
	all := deeds()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, cfg, sabotage)
		defer w.end()
		w.settle()
		for _, name := range w.names[:3] {
			w.consent(step{Grant: name})
		}
		for i, s := range list {
			all[s.Deed](w, s)
			if err = w.check(); err != nil {
				err = fmt.Errorf("after step %d, %s %s: %w", i, s.Deed, s.Grant, err)
				return
			}
		}
	})
	return err
}

func TestNoOrderOfEventsBreaksWhatTheKeeperPromises(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		cfg := emulator.Config{
			Calm:   true,
			Rotate: rapid.Bool().Draw(rt, "rotate"),
			Grace:  rapid.SampledFrom([]time.Duration{0, 10 * time.Minute}).Draw(rt, "grace"),
		}
		if err := play(t, cfg, steps().Draw(rt, "steps"), nil); err != nil {
			rt.Fatal(err)
		}
	})
}

// A grant whose very first request was cut off, before a start with a store that
// refused, was unknown since nobody knew when.
func TestAnOutcomeThatIsOpenFromTheFirstRequestOnHasASince(t *testing.T) {
	list := []step{{Deed: "hold", Grant: "rest-1"}, {Deed: "refuse"}, {Deed: "crash"}, {Deed: "ask", Grant: "rest-1"}}
	for i := range list {
		list[i].Pause = time.Second
	}
	if err := play(t, emulator.Config{Calm: true}, list, nil); err != nil {
		t.Error(err)
	}
}

func TestTheModelSeesAKeeperThatBreaksItsPromises(t *testing.T) {
	rotating := emulator.Config{Calm: true, Rotate: true}
	for _, c := range []struct {
		name     string
		sabotage func(store.KV) store.KV
		steps    []step
		says     string
	}{
		{"a store that loses an answer in a crash", new(unsynced).open,
			[]step{{Deed: "refresh", Grant: "rest-1"}, {Deed: "crash"}}, "a refresh token that works is gone"},
		{"a store that drops intents",
			func(kv store.KV) store.KV { return unintended{kv} },
			[]step{{Deed: "refresh", Grant: "rest-1"}}, "without an intent"},
		{"a second fleet over the same store", nil,
			[]step{{Deed: "hold", Grant: "rest-1"}, {Deed: "twice", Grant: "rest-1"}}, "two requests are in flight"},
		{"a store whose index has lost a grant",
			func(kv store.KV) store.KV { return unlisted{kv} },
			[]step{{Deed: "wait", Pause: time.Minute}}, "the summary says"},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := play(t, rotating, c.steps, c.sabotage)
			if err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("it saw %v", err)
			}
		})
	}
}

// consent registers a new consent under a name.
func (w *world) consent(s step) {
	kind := emulator.REST
	if strings.HasPrefix(s.Grant, "meetings") {
		kind = emulator.Meetings
	}
	issued := w.webex.Issue(kind, emulator.Consent{})
	_, err := w.try(s.Grant, issued.Response)
	if err != nil && !slices.Contains(w.tokens(s.Grant), issued.RefreshToken) {
		return
	}
	w.issued[s.Grant] = issued
	w.imported(s.Grant, issued.RefreshToken)
}

// repeat imports what was imported before, as config management does.
func (w *world) repeat(s step) {
	issued, ok := w.issued[s.Grant]
	if !ok {
		return
	}
	before, err := w.store.Get(w.t.Context(), s.Grant)
	got, refusal := w.try(s.Grant, issued.Response)
	switch {
	case err != nil || refusal != nil:
	case before.Removed:
		w.imported(s.Grant, issued.RefreshToken)
	case got.Result != "unchanged":
		w.blame("a repeated import of %s is %s", s.Grant, got.Result)
	}
}

// order refreshes, and gives the exchange the time that it may take.
func (w *world) order(name string) {
	w.callers.Go(func() { w.fleet.Refresher.Refresh(context.Background(), name) })
	time.Sleep(31 * time.Second)
}

// ask wants a token that lives an hour.
func (w *world) ask(s step) {
	k := w.fleet
	w.callers.Go(func() {
		got, err := k.Refresher.Token(context.Background(), s.Grant, time.Hour)
		if err == nil && time.Until(got.ExpiresAt) < time.Hour {
			w.blame("a reader got a token that lives %v", time.Until(got.ExpiresAt))
		}
		if r, ok := errors.AsType[*refusal.Error](err); ok && r.Kind == refusal.Unavailable && r.RetryAfter < time.Second {
			w.blame("a reader is to come again in %v", r.RetryAfter)
		}
	})
	time.Sleep(36 * time.Second)
}

// wait lets time pass with eight sweeps.
func (w *world) wait(s step) {
	for range 8 {
		w.fleet.Sweeper.Sweep(w.t.Context())
		time.Sleep(s.Pause / 8)
		synctest.Wait()
	}
}

func (w *world) remove(s step) {
	_ = w.fleet.Registry.Remove(w.t.Context(), s.Grant)
	if stored, err := w.store.Get(w.t.Context(), s.Grant); err == nil && stored.Removed {
		w.imported(s.Grant, "")
	}
}

// reload declares the last name or no longer does.
func (w *world) reload(step) {
	w.full = !w.full
	more := ""
	if w.full {
		more = earlier
	}
	if w.refuse.Load() {
		return // the walk behind a reload would end at the first record
	}
	w.reconfigure(more)
}

// stopAndStart needs a store that takes what is held.
func (w *world) stopAndStart(step) {
	w.refuse.Store(false)
	w.stop()
	w.again()
}

// hold sends a refresh whose answer comes with release, or never.
func (w *world) hold(s step) {
	release := make(chan struct{})
	w.release = append(w.release, release)
	w.webex.Script(lab.Hold(nil, release))
	w.callers.Go(func() { w.fleet.Refresher.Refresh(context.Background(), s.Grant) })
	synctest.Wait()
}

// second refreshes by another fleet over the same store.
func (w *world) second(s step) {
	other := fleet.New(fleet.Config{Store: w.store, Config: w.config, Provider: provider.New(provider.Config{
		Transport: func(*config.Integration) (http.RoundTripper, error) { return w.current, nil },
	})})
	w.callers.Go(func() {
		other.Refresher.Refresh(context.Background(), s.Grant)
		other.Stop(context.Background())
	})
	synctest.Wait()
}

func endOf(w *wire.WindowEnd) time.Time {
	if w == nil {
		return time.Time{}
	}
	return w.At
}

// An unsynced store has lost the latest write of a record at its next opening.
type unsynced struct {
	store.KV
	writes map[string][]*store.Write
}

func (u *unsynced) open(kv store.KV) store.KV {
	for name, writes := range u.writes {
		if n := len(writes); n > 1 {
			_, _ = kv.Swap(context.Background(), store.Change{Name: name, Expect: store.Any, Write: writes[n-2]})
		}
	}
	u.KV, u.writes = kv, make(map[string][]*store.Write)
	return u
}

func (u *unsynced) Swap(ctx context.Context, c store.Change) (store.Revision, error) {
	revision, err := u.KV.Swap(ctx, c)
	if err == nil && c.Write != nil {
		u.writes[c.Name] = append(u.writes[c.Name], c.Write)
	}
	return revision, err
}

// An unintended store drops the notes of what is about to be sent.
type unintended struct{ store.KV }

func (u unintended) Swap(ctx context.Context, c store.Change) (store.Revision, error) {
	c.Marks = slices.DeleteFunc(slices.Clone(c.Marks), func(m store.Mark) bool { return m.Index == store.OpenIndex })
	return u.KV.Swap(ctx, c)
}

// An unlisted store keeps a record and forgets where it stands.
type unlisted struct{ store.KV }

func (u unlisted) Swap(ctx context.Context, c store.Change) (store.Revision, error) {
	if c.Write != nil && c.Name == "rest-2" {
		c.Write = &store.Write{Value: c.Write.Value}
	}
	return u.KV.Swap(ctx, c)
}
