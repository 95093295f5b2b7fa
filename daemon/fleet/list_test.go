package fleet_test

import (
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"webex-tokend/daemon/emulator"
	"webex-tokend/daemon/emulator/lab"
	"webex-tokend/daemon/refusal"
	"webex-tokend/daemon/report"
	"webex-tokend/daemon/verdict"
	"webex-tokend/daemon/wire"
	"webex-tokend/store"
)

// guests have no window that is known to end, and go when the block does.
const (
	guests = `
integration "guests" {
  kind               = "generic"
  client_id          = "x"
  client_secret_file = "SECRET"
  token_url          = "https://guests.test/token"
}
grant "guest-*" {
  integration = "guests"
}
`
	reserved = `
grant "ops-a" {
  integration = "rest"
}
grant "ops-b" {
  integration = "meetings"
}
`
)

// variety registers grants and brings them into every state that does not pass
// by itself, a few of each. Windows end at different times, and some never.
func variety(t *testing.T, h *host) {
	t.Helper()
	window := func(days int) []byte {
		return fmt.Appendf(nil, `{"access_token":"a","expires_in":1209599,"refresh_token":"r-%d","refresh_token_expires_in":%d}`, days, days*24*3600)
	}
	h.settle()
	for i := range 3 {
		h.take(fmt.Sprint("guest-", i), fmt.Appendf(nil, `{"access_token":"a","refresh_token":"g-%d","expires_in":1209599}`, i))
		h.take(fmt.Sprint("tenant-", i), window(10+i))
		h.take(fmt.Sprint("rest-paused-", i), window(23-i))
		h.take(fmt.Sprint("rest-ok-", i), window(30+7*i%11))
		h.take(fmt.Sprint("rest-same-", i), window(60))
		h.register(fmt.Sprint("meetings-", i), emulator.Meetings)
	}
	h.reconfigure(guests + reserved)
	for i := range 3 {
		if err := h.fleet.Registry.Pause(t.Context(), fmt.Sprint("rest-paused-", i)); err != nil {
			t.Fatal(err)
		}
	}
	script := func(name string, answers ...emulator.Answer) {
		h.register(name, emulator.REST)
		for _, a := range answers {
			h.webex.Script(a)
			h.fleet.Refresher.Refresh(t.Context(), name)
			time.Sleep(6 * time.Minute)
		}
	}
	dead := lab.Reply(400, nil, `{"error":"invalid_grant"}`)
	for i := range 2 {
		script(fmt.Sprint("rest-dead-", i), dead, dead, dead)
		script(fmt.Sprint("rest-retry-", i), lab.Reply(503, nil, ""))
		script(fmt.Sprint("rest-lost-", i), lab.Lose())
	}
	h.webex.RejectClient(h.webex.Client(emulator.Meetings).ID, true)
	h.fleet.Refresher.Refresh(t.Context(), "meetings-0")
}

// pages joins all pages of a query.
func pages(t *testing.T, h *host, q report.Query) (list []wire.Grant) {
	t.Helper()
	for {
		page, err := h.report.Grants(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		if len(page.Grants) > q.Limit && q.Limit > 0 {
			t.Fatalf("%d grants on a page of %d", len(page.Grants), q.Limit)
		}
		list = append(list, page.Grants...)
		if page.Next == "" {
			return list
		}
		if len(list) > 1000 {
			t.Fatal("the list does not end")
		}
		q.After = page.Next
	}
}

func names(list []wire.Grant) []string {
	out := make([]string, 0, len(list))
	for _, g := range list {
		out = append(out, g.Name)
	}
	return out
}

func TestAListThatEndsBeforeADayLeavesOutWhatIsLaterAndNotUrgentAnyway(t *testing.T) {
	busy(t, guests+reserved+earlier, func(t *testing.T, h *host) {
		variety(t, h)
		end := time.Now().Add(25 * day)
		var want []string
		for _, g := range pages(t, h, report.Query{}) {
			cause := verdict.Shown(g).Cause(verdict.Usual(), time.Now())
			// Of what is overdue some are well but for a token that has expired.
			urgent := cause == verdict.Reauthorize || cause == verdict.Overdue || cause == verdict.Failing
			if urgent || g.WindowEndsAt != nil && g.WindowEndsAt.Before(end) {
				want = append(want, g.Name)
			}
		}
		if len(want) < 8 {
			t.Fatalf("the walk expects only %v", want)
		}
		for _, limit := range []int{1, 3, 100} {
			if got := names(pages(t, h, report.Query{EndsBefore: end, Limit: limit})); !slices.Equal(got, want) {
				t.Errorf("in pages of %d: %v, want %v", limit, got, want)
			}
		}
	})
}

func TestTheListBeginsWithWhatNeedsSomebodyFirst(t *testing.T) {
	busy(t, guests+reserved+earlier, func(t *testing.T, h *host) {
		variety(t, h)
		list := pages(t, h, report.Query{})
		if len(list) != 3*6+2*3+2 {
			t.Errorf("%d grants: %v", len(list), names(list))
		}
		states := make(map[string]int)
		for i, g := range list {
			states[g.State]++
			if g.State != string(store.OK) && (g.Reason == "" || g.Since == nil || g.Action == "") {
				t.Errorf("%s is %s (%s) since %v, action %q", g.Name, g.State, g.Reason, g.Since, g.Action)
			}
			if i > 0 && position(g) < position(list[i-1]) {
				t.Errorf("%s %q comes before %s %q", list[i-1].State, position(list[i-1]), g.State, position(g))
			}
		}
		for _, state := range []store.State{store.Reauthorize, store.Misconfigured, store.Unknown, store.Retrying, store.Pending, store.Paused, store.OK} {
			if states[string(state)] < 2 {
				t.Errorf("%d grants are %s", states[string(state)], state)
			}
		}
	})
}

// position sorts as the list by urgency should.
func position(g wire.Grant) string {
	ends := "never"
	if g.WindowEndsAt != nil {
		ends = g.WindowEndsAt.Format(time.RFC3339)
	}
	cause := verdict.Shown(g).Cause(verdict.Usual(), time.Now())
	if cause == verdict.Overdue {
		ends = g.RefreshDueAt.Format(time.RFC3339Nano)
	}
	return fmt.Sprintf("%02d %s %s", cause, ends, g.Name)
}

func TestPagesOfAnySizeJoinToTheWholeList(t *testing.T) {
	odd := func(name string) bool { return !strings.HasSuffix(name, "1") }
	for _, c := range []struct {
		name  string
		query report.Query
	}{
		{"by urgency", report.Query{}},
		{"by name", report.Query{ByName: true}},
		{"by urgency through a view", report.Query{View: odd}},
		{"by name through a view", report.Query{View: odd, ByName: true}},
		{"some states by urgency", report.Query{States: []store.State{store.Paused, store.Pending, store.Misconfigured}}},
		{"some states by name", report.Query{States: []store.State{store.Paused, store.Pending, store.Misconfigured}, ByName: true}},
	} {
		t.Run(c.name, func(t *testing.T) {
			busy(t, guests+reserved+earlier, func(t *testing.T, h *host) {
				variety(t, h)
				whole := names(pages(t, h, c.query))
				if len(whole) < 8 {
					t.Fatalf("only %d grants", len(whole))
				}
				for limit := 1; limit <= len(whole)+1; limit++ {
					q := c.query
					q.Limit = limit
					if got := names(pages(t, h, q)); !slices.Equal(got, whole) {
						t.Fatalf("pages of %d: %v, want %v", limit, got, whole)
					}
				}
			})
		})
	}
}

func TestAListShowsWhatWasAskedForAndNothingElse(t *testing.T) {
	busy(t, guests+reserved+earlier, func(t *testing.T, h *host) {
		variety(t, h)
		whole := pages(t, h, report.Query{ByName: true})
		if !slices.IsSorted(names(whole)) {
			t.Errorf("by name: %v", names(whole))
		}
		for _, state := range store.ByUrgency() {
			for _, byName := range []bool{true, false} {
				got := names(pages(t, h, report.Query{States: []store.State{state}, ByName: byName, Limit: 2}))
				slices.Sort(got)
				var want []string
				for _, g := range whole {
					if g.State == string(state) {
						want = append(want, g.Name)
					}
				}
				if !slices.Equal(got, want) {
					t.Errorf("%s: %v, want %v", state, got, want)
				}
			}
		}
		for _, g := range pages(t, h, report.Query{View: func(name string) bool { return name == "ops-a" || name == "meetings-1" }}) {
			if g.Name != "ops-a" && g.Name != "meetings-1" {
				t.Errorf("%s is out of view", g.Name)
			}
		}
	})
}

func TestADamagedRecordStandsInTheListOnceAndHidesNoOther(t *testing.T) {
	inBubble(t, calm, "", func(t *testing.T, h *host) {
		for i := range 5 {
			h.register(fmt.Sprint("rest-", i), emulator.REST)
		}
		h.damage("rest-2")
		for _, byName := range []bool{true, false} {
			for limit := 1; limit < 7; limit++ {
				list := pages(t, h, report.Query{ByName: byName, Limit: limit})
				got := names(list)
				slices.Sort(got)
				if !slices.Equal(got, []string{"rest-0", "rest-1", "rest-2", "rest-3", "rest-4"}) {
					t.Fatalf("pages of %d: %v", limit, got)
				}
				for _, g := range list {
					if damaged := g.Name == "rest-2"; damaged != (g.State == string(store.Damaged)) {
						t.Errorf("%s is %s", g.Name, g.State)
					}
				}
			}
			if got := names(pages(t, h, report.Query{ByName: byName, States: []store.State{store.Damaged}})); !slices.Equal(got, []string{"rest-2"}) {
				t.Errorf("damaged are %v", got)
			}
		}
	})
}

func TestAPageHoldsAHundredGrantsUnlessAskedOtherwiseAndAThousandAtMost(t *testing.T) {
	busy(t, earlier, func(t *testing.T, h *host) {
		h.tenants(1100)
		for limit, want := range map[int]int{0: 100, -1: 100, 7: 7, 1000: 1000, 5000: 1000} {
			page, err := h.report.Grants(t.Context(), report.Query{Limit: limit})
			if err != nil || len(page.Grants) != want || page.Next == "" {
				t.Errorf("limit %d: %d grants, next %q, %v", limit, len(page.Grants), page.Next, err)
			}
		}
	})
}

func TestTheLastPageOfAViewDoesNotTellOfGrantsBehindIt(t *testing.T) {
	busy(t, earlier, func(t *testing.T, h *host) {
		h.tenants(9)
		for _, byName := range []bool{true, false} {
			all := names(pages(t, h, report.Query{ByName: byName}))
			for _, limit := range []int{1, 2, 3} {
				mine := all[:limit]
				page, err := h.report.Grants(t.Context(), report.Query{
					View: func(name string) bool { return slices.Contains(mine, name) }, Limit: limit, ByName: byName,
				})
				if err != nil || !slices.Equal(names(page.Grants), mine) || page.Next != "" {
					t.Errorf("by name %v: %v of %v, next %q, %v", byName, names(page.Grants), mine, page.Next, err)
				}
			}
		}
	})
}

func TestACursorOfNoListIsRefused(t *testing.T) {
	busy(t, earlier, func(t *testing.T, h *host) {
		h.tenants(3)
		cursor := func(byName bool) string {
			page, err := h.report.Grants(t.Context(), report.Query{Limit: 1, ByName: byName})
			if err != nil || page.Next == "" {
				t.Fatalf("next %q, %v", page.Next, err)
			}
			return page.Next
		}
		encode := base64.RawURLEncoding.EncodeToString
		for _, c := range []struct {
			name   string
			cursor string
			byName bool
		}{
			{"a word", "tenant-0001", false},
			{"a cut cursor", cursor(false)[:3], false},
			{"a cursor with padding", cursor(false) + "==", false},
			{"nothing inside", encode([]byte("//")), false},
			{"letters for numbers", encode([]byte("x/y/z")), false},
			{"a number that overflows", encode([]byte("0/99999999999999999999/z")), false},
			{"a state that there is not", encode([]byte("99/0/z")), false},
			{"bytes that are no text", encode([]byte{0xff, '/', 0xfe, '/', 0}), false},
			{"the list by name goes on by urgency", cursor(true), false},
			{"the list by urgency goes on by name", cursor(false), true},
		} {
			_, err := h.report.Grants(t.Context(), report.Query{After: c.cursor, ByName: c.byName})
			if r, ok := errors.AsType[*refusal.Error](err); !ok || r.Kind != refusal.BadName {
				t.Errorf("%s: %v", c.name, err)
			}
		}
	})
}

func TestNoGrantIsTwiceInAListOrMissingWhileOthersChange(t *testing.T) {
	busy(t, earlier, func(t *testing.T, h *host) {
		var still []string
		for i := range 60 {
			h.take(fmt.Sprintf("rest-%03d", i), pair("a", fmt.Sprint("r-", i)))
			if i%2 == 0 {
				still = append(still, fmt.Sprintf("rest-%03d", i))
			}
			if i%5 == 0 {
				h.fleet.Registry.Pause(t.Context(), fmt.Sprintf("rest-%03d", i))
			}
			time.Sleep(time.Duration(i*37%11) * time.Hour)
		}
		step := 0
		change := func() {
			for range 7 {
				step++
				name := fmt.Sprintf("rest-%03d", step*14%60+1) // odd ones
				switch step % 4 {
				case 0:
					h.fleet.Registry.Pause(t.Context(), name)
				case 1:
					h.fleet.Registry.Resume(t.Context(), name)
				case 2:
					h.fleet.Registry.Remove(t.Context(), name)
				case 3:
					h.take(name, pair("b", fmt.Sprint("s-", step)))
				}
				time.Sleep(time.Minute)
			}
		}
		for _, byName := range []bool{true, false} {
			for limit := range 12 {
				q := report.Query{ByName: byName, Limit: limit + 1}
				times := make(map[string]int)
				for turn := 0; ; turn++ {
					page, err := h.report.Grants(t.Context(), q)
					if err != nil {
						t.Fatal(err)
					}
					for _, g := range page.Grants {
						times[g.Name]++
					}
					if q.After = page.Next; q.After == "" {
						break
					}
					if turn < 50 { // what moves on and on stands on every page
						change()
					}
				}
				for _, name := range still {
					if times[name] != 1 {
						t.Fatalf("%s stood %d times in pages of %d, by name %v", name, times[name], q.Limit, byName)
					}
				}
			}
		}
	})
}
