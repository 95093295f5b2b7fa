package web

import (
	"strings"
	"testing"
	"time"

	"webex-tokend/daemon/wire"
)

func TestThePageBeginsWithWhatSomebodyHasToDo(t *testing.T) {
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.Local)
	end := func(days time.Duration) *wire.WindowEnd {
		return &wire.WindowEnd{Grant: "ops", At: now.Add(days * day)}
	}
	all := func(states map[string]int, earliest, horizon *wire.WindowEnd) wire.Status {
		sum := wire.Status{States: states, EarliestWindowEnd: earliest, Horizon: horizon}
		for _, n := range states {
			sum.Grants += n
		}
		return sum
	}
	well := map[string]int{"ok": 3}
	lost := all(well, end(90), end(90))
	lost.StoreKey = &wire.StoreKey{Fault: "there is no store key"}
	late, behind := all(well, end(90), nil), all(well, end(90), nil)
	late.Keeper.Overdue, behind.FailingOutputs.Count = 1, 1
	for _, c := range []struct {
		name               string
		sum                wire.Status
		head, detail, tone string
	}{
		{"nothing is declared", all(nil, nil, nil), "No grants yet", "Declare one", "rest"},
		{"all slide", all(well, end(90), nil), "All is well", "on 20 Feb 2027. All windows slide: no human action is in sight.", "good"},
		{"one does not", all(well, end(60), end(90)), "All is well", "on 21 Jan 2027. Human action is needed by 20 Feb 2027 (ops).", "good"},
		{"nothing ends", all(well, nil, nil), "All is well", "No window is known to end.", "good"},
		{"an end is near", all(well, end(13), end(13)), "A window ends soon", "in 13 days", "busy"},
		{"an end has passed", all(well, end(-2), end(-2)), "Somebody has to act", "Human action is needed since 20 Nov 2026 (ops).", "bad"},
		{"a grant waits for consent", all(map[string]int{"ok": 2, "reauthorize": 1}, end(60), end(60)), "1 grant needs somebody", "First to end is ops, in 60 days", "bad"},
		{"a grant is new", all(map[string]int{"ok": 2, "pending": 2}, end(60), end(60)), "2 grants wait for their first tokens", "First to end", "busy"},
		{"it tries again", all(map[string]int{"ok": 2, "retrying": 1}, end(60), end(60)), "Nobody has to act", "First to end", "busy"},
		{"work is late", late, "Refreshes are late", "First to end", "busy"},
		{"a file is not written", behind, "Not all files and hooks have the current token", "First to end", "busy"},
		{"the key is gone", lost, "The store will not open again", "First to end", "bad"},
	} {
		head, detail, tone := headline(c.sum, now)
		if head != c.head || !strings.Contains(detail, c.detail) || tone != c.tone {
			t.Errorf("%s: %s | %s | %s", c.name, head, detail, tone)
		}
	}
}
