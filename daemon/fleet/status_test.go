package fleet_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"webex-tokend/daemon/emulator"
	"webex-tokend/daemon/emulator/lab"
	"webex-tokend/daemon/report"
	"webex-tokend/daemon/wire"
	"webex-tokend/store"
)

func (h *host) status(view report.View) wire.Status {
	h.t.Helper()
	sum, err := h.report.Status(h.t.Context(), view)
	if err != nil {
		h.t.Fatal(err)
	}
	return sum
}

func TestTheSummaryOfAnEmptyKeeperIsZero(t *testing.T) {
	busy(t, "", func(t *testing.T, h *host) {
		for name, view := range map[string]report.View{"all": nil, "a view": func(string) bool { return true }} {
			sum := h.status(view)
			if sum.Grants != 0 || sum.States == nil || len(sum.States) != 0 || sum.EarliestWindowEnd != nil || sum.Counting {
				t.Errorf("%s: %+v", name, sum)
			}
		}
	})
}

func TestTheSummaryCountsEveryStateAsTheListShowsIt(t *testing.T) {
	busy(t, guests+reserved+earlier, func(t *testing.T, h *host) {
		variety(t, h)
		count := func(view report.View) map[string]int {
			states := make(map[string]int)
			for _, g := range pages(t, h, report.Query{View: view}) {
				states[g.State]++
			}
			return states
		}
		for name, view := range map[string]report.View{
			"all":                    nil,
			"a view of everything":   func(string) bool { return true },
			"a view of a few":        func(name string) bool { return strings.HasSuffix(name, "1") },
			"a view of nothing":      func(string) bool { return false },
			"a view of what pends":   func(name string) bool { return strings.HasPrefix(name, "ops") },
			"a view of the excluded": func(name string) bool { return strings.HasPrefix(name, "tenant") },
		} {
			sum, want := h.status(view), count(view)
			total := 0
			for _, n := range want {
				total += n
			}
			if fmt.Sprint(sum.States) != fmt.Sprint(want) || sum.Grants != total {
				t.Errorf("%s: %d grants %v, want %v", name, sum.Grants, sum.States, want)
			}
		}
	})
}

func TestTheEarliestWindowIsThatOfAGrantOnWhichSomebodyCounts(t *testing.T) {
	busy(t, guests+reserved+earlier, func(t *testing.T, h *host) {
		variety(t, h)
		for name, view := range map[string]report.View{
			"all":                nil,
			"a view":             func(name string) bool { return strings.HasPrefix(name, "rest-ok") },
			"without windows":    func(name string) bool { return strings.HasPrefix(name, "guest") },
			"a view of the dead": func(name string) bool { return strings.HasPrefix(name, "rest-dead") },
		} {
			var want *wire.WindowEnd
			for _, g := range pages(t, h, report.Query{View: view, ByName: true}) {
				if g.WindowEndsAt != nil && g.State != string(store.Reauthorize) && (want == nil || g.WindowEndsAt.Before(want.At)) {
					want = &wire.WindowEnd{Grant: g.Name, At: *g.WindowEndsAt}
				}
			}
			got := h.status(view).EarliestWindowEnd
			if (got == nil) != (want == nil) || got != nil && *got != *want {
				t.Errorf("%s: %v, want %v", name, got, want)
			}
		}
	})
}

func TestADamagedRecordIsCountedAndListedAsSuchOnceItWasFound(t *testing.T) {
	inBubble(t, calm, "", func(t *testing.T, h *host) {
		for i := range 4 {
			h.register(fmt.Sprint("rest-", i), emulator.REST)
		}
		h.damage("rest-2")
		h.is("rest-2", store.Damaged, "the record does not open")
		for name, view := range map[string]report.View{"all": nil, "a view": func(string) bool { return true }} {
			sum := h.status(view)
			if want := map[string]int{"damaged": 1, "ok": 3}; !maps.Equal(sum.States, want) || sum.EarliestWindowEnd.Grant == "rest-2" {
				t.Errorf("%s: %v, %v ends first", name, sum.States, sum.EarliestWindowEnd)
			}
			if got := names(pages(t, h, report.Query{View: view})); len(got) != 4 || got[0] != "rest-2" {
				t.Errorf("%s: the list is %v", name, got)
			}
		}
		h.register("rest-2", emulator.REST)
		if sum := h.status(nil); !maps.Equal(sum.States, map[string]int{"ok": 4}) {
			t.Errorf("replaced: %v", sum.States)
		}
	})
}

func TestADamagedRecordThatTheAuditFiledIsCountedRightFromTheStart(t *testing.T) {
	inBubble(t, calm, "", func(t *testing.T, h *host) {
		for i := range 3 {
			h.register(fmt.Sprint("rest-", i), emulator.REST)
		}
		h.damage("rest-1")
		counted := func(when string) {
			t.Helper()
			if sum := h.status(nil); !maps.Equal(sum.States, map[string]int{"damaged": 1, "ok": 2}) {
				t.Errorf("%s: %v", when, sum.States)
			}
			query := report.Query{States: []store.State{store.Damaged}}
			if got := names(pages(t, h, query)); !slices.Equal(got, []string{"rest-1"}) {
				t.Errorf("%s: listed as damaged are %v", when, got)
			}
		}
		h.is("rest-1", store.Damaged, "the record does not open")
		counted("found before the audit")
		if _, err := h.store.Audit(t.Context(), h.backend.(store.Auditor), "", 10); err != nil {
			t.Fatal(err)
		}
		h.is("rest-1", store.Damaged, "the record does not open")
		counted("after the audit")
		h.stop()
		h.start()
		synctest.Wait() // for the counting behind the opening
		counted("after a restart")
	})
}

func TestAGrantThatIsLateByMoreThanFiveMinutesIsOverdue(t *testing.T) {
	inBubble(t, calm, "", func(t *testing.T, h *host) {
		h.register("meetings-1", emulator.Meetings)
		h.register("meetings-2", emulator.Meetings)
		due := *h.grant("meetings-1").RefreshDueAt
		overdue := func() int {
			t.Helper()
			began := time.Now().Truncate(time.Millisecond)
			h.sweep()
			k := h.status(nil).Keeper
			if k.LastSweepAt == nil || !k.LastSweepAt.Equal(began) {
				t.Errorf("last sweep at %v, want %v", k.LastSweepAt, began)
			}
			return k.Overdue
		}
		// Right before it is due, its endpoint closes for an hour.
		time.Sleep(time.Until(due) - time.Second)
		h.webex.Script(lab.Limit("3600"))
		h.fleet.Refresher.Refresh(t.Context(), "meetings-2")
		if n := overdue(); n != 0 {
			t.Errorf("%d overdue before any is due", n)
		}
		time.Sleep(time.Until(due) + 5*time.Minute)
		if n := overdue(); n != 0 {
			t.Errorf("%d overdue after five minutes", n)
		}
		time.Sleep(time.Second)
		if n := overdue(); n != 1 {
			t.Errorf("%d overdue after more than five minutes", n)
		}
		h.live(2*time.Hour, time.Minute)
		if n := overdue(); n != 0 {
			t.Errorf("%d overdue after the endpoint opened", n)
		}
	})
}

func TestAnAnswerThatIsNotStoredIsCountedAndListedAsSuch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, kv := newFickleHost(t, emulator.Config{Calm: true, Rotate: true})
		for i := range 5 {
			h.register(fmt.Sprint("rest-", i), emulator.REST)
		}
		arrived, release := make(chan struct{}), make(chan struct{})
		h.webex.Script(lab.Hold(arrived, release))
		outcome := make(chan error, 1)
		go func() {
			err := h.fleet.Refresher.Refresh(context.Background(), "rest-3")
			outcome <- err
		}()
		<-arrived
		kv.refuse.Store(true)
		close(release)
		synctest.Wait()
		for _, view := range []report.View{nil, func(string) bool { return true }} {
			if sum := h.status(view); sum.Grants != 5 || sum.States["unpersisted"] != 1 || sum.States["ok"] != 4 {
				t.Errorf("status %v", sum.States)
			}
		}
		for limit := 1; limit < 7; limit++ {
			got := names(pages(t, h, report.Query{Limit: limit}))
			if !slices.Equal(got, []string{"rest-3", "rest-0", "rest-1", "rest-2", "rest-4"}) {
				t.Errorf("pages of %d: %v", limit, got)
			}
		}
		kv.refuse.Store(false)
		if err := <-outcome; err != nil {
			t.Fatal(err)
		}
		if sum := h.status(nil); sum.States["ok"] != 5 || len(sum.States) != 1 {
			t.Errorf("status %v", sum.States)
		}
		h.stop()
	})
}

func TestAPendingGrantSaysSinceWhen(t *testing.T) {
	inBubble(t, calm, reserved, func(t *testing.T, h *host) {
		began := time.Now()
		time.Sleep(time.Hour)
		h.reconfigure(reserved)
		if g := h.is("ops-a", store.Pending, "nothing registered"); g.Since == nil || !g.Since.Equal(began) {
			t.Errorf("since %v, want %v", g.Since, began)
		}
		h.take("ops-a", pair("a", "r"))
		time.Sleep(time.Hour)
		if err := h.fleet.Registry.Remove(t.Context(), "ops-a"); err != nil {
			t.Fatal(err)
		}
		if g := h.is("ops-a", store.Pending, "nothing registered"); g.Since == nil || !g.Since.Equal(time.Now()) {
			t.Errorf("since %v, want %v", g.Since, time.Now())
		}
	})
}

func TestAStoreThatCannotBeReadMakesNoSummary(t *testing.T) {
	blind := &blindness{}
	through(t, blind.around, reserved, func(t *testing.T, h *host) {
		h.register("rest-1", emulator.REST)
		blind.on = true
		if _, err := h.report.Status(t.Context(), nil); !errors.Is(err, errNoSight) {
			t.Errorf("status: %v", err)
		}
		if _, err := h.report.Status(t.Context(), func(string) bool { return true }); !errors.Is(err, errNoSight) {
			t.Errorf("status through a view: %v", err)
		}
		for _, byName := range []bool{true, false} {
			if _, err := h.report.Grants(t.Context(), report.Query{ByName: byName}); !errors.Is(err, errNoSight) {
				t.Errorf("list: %v", err)
			}
		}
		if _, err := h.fleet.Refresher.Token(t.Context(), "rest-1", 0); !errors.Is(err, errNoSight) {
			t.Errorf("token: %v", err)
		}
		blind.on = false
	})
}

var errNoSight = errors.New("input/output error")

// A blindness makes a backend fail to read.
type blindness struct {
	store.KV
	on bool
}

func (b *blindness) around(kv store.KV) store.KV {
	b.KV = kv
	return b
}

func (b *blindness) Get(ctx context.Context, name string) (store.Row, error) {
	if b.on {
		return store.Row{}, errNoSight
	}
	return b.KV.Get(ctx, name)
}

func (b *blindness) List(ctx context.Context, after string, limit int) ([]store.Row, error) {
	if b.on {
		return nil, errNoSight
	}
	return b.KV.List(ctx, after, limit)
}

func (b *blindness) Groups(ctx context.Context, index store.Index) ([]string, bool, error) {
	if b.on {
		return nil, false, errNoSight
	}
	return b.KV.Groups(ctx, index)
}

func TestARefusedRefreshTokenNeedsAHumanFromItsFirstRefusalOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t, calm, "")
		defer h.stop()
		h.register("rest-0", emulator.REST)
		issued := h.register("rest-1", emulator.REST)
		h.webex.Revoke(issued.RefreshToken)
		time.Sleep(time.Hour)
		refused := time.Now()
		h.fleet.Refresher.Refresh(t.Context(), "rest-1")
		time.Sleep(time.Minute)
		h.fleet.Refresher.Refresh(t.Context(), "rest-1")
		for _, when := range []string{"refused", "and an answer lost"} {
			for _, view := range []report.View{nil, func(string) bool { return true }} {
				if first := h.status(view).Horizon; first == nil || first.Grant != "rest-1" || !first.At.Equal(refused) {
					t.Errorf("%s: a human is needed from %+v on, not since %v", when, first, refused)
				}
			}
			h.webex.Script(lab.Lose())
			for range 2 {
				time.Sleep(time.Minute)
				h.fleet.Refresher.Refresh(t.Context(), "rest-1")
			}
		}
	})
}
