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
		sum.Levels = make(map[string]int)
		for state, n := range states {
			sum.Grants += n
			sum.Levels[map[string]string{"ok": "fine", "reauthorize": "critical"}[state]] += n
		}
		sum.Levels["working"] = sum.Levels[""]
		return sum
	}
	well := map[string]int{"ok": 3}
	lost := all(well, end(90), end(90))
	lost.StoreKey = &wire.StoreKey{Fault: "there is no store key"}
	near, nearer := all(well, end(13), end(13)), all(map[string]int{"ok": 99, "pending": 1}, end(2), end(2))
	near.Levels["warning"] = 1
	// With 97 windows ending within 42 hours the headline was "1 grant waits for
	// its first tokens".
	nearer.Levels["critical"] = 97
	late, behind := all(well, end(90), nil), all(well, end(90), nil)
	late.Keeper.Overdue, behind.FailingOutputs.Count = 1, 1
	since := now
	mute, alone := all(well, end(90), nil), all(well, end(90), nil)
	mute.HostsFault = "etcd is away"
	alone.Hosts = []wire.Host{{Name: "int-1", Since: &since, Office: true}, {Name: "int-2"}}
	for _, c := range []struct {
		name               string
		sum                wire.Status
		head, detail, tone string
	}{
		{"nothing is declared", all(nil, nil, nil), "No grants yet", "Declare one", "rest"},
		{"all slide", all(well, end(90), nil), "All good", "on 20 Feb 2027. All windows slide: no human action is in sight.", "good"},
		{"one does not", all(well, end(60), end(90)), "All good", "on 21 Jan 2027. Human action is needed by 20 Feb 2027 (ops).", "good"},
		{"nothing ends", all(well, nil, nil), "All good", "No window is known to end.", "good"},
		{"an end is near", near, "1 grant needs attention soon", "in 13 days", "busy"},
		{"an end is nearer", nearer, "97 grants need attention", "in 2 days", "bad"},
		{"an end has passed", all(well, end(-2), end(-2)), "Attention is needed", "Human action is needed since 20 Nov 2026 (ops).", "bad"},
		{"a grant waits for consent", all(map[string]int{"ok": 2, "reauthorize": 1}, end(60), end(60)), "1 grant needs attention", "First to end is ops, in 60 days", "bad"},
		{"a grant is new", all(map[string]int{"ok": 2, "pending": 2}, end(60), end(60)), "2 grants wait for their first tokens", "First to end", "busy"},
		{"it tries again", all(map[string]int{"ok": 2, "retrying": 1}, end(60), end(60)), "Nobody has to act", "First to end", "busy"},
		{"work is late", late, "Refreshes are late", "First to end", "busy"},
		{"a file is not written", behind, "Not all files and hooks have the current token", "First to end", "busy"},
		{"etcd is away", mute, "No host refreshes", "First to end", "bad"},
		{"a host is away", alone, "Not all hosts are as they should be", "First to end", "busy"},
		{"the key is gone", lost, "The store will not open again", "First to end", "bad"},
	} {
		head, detail, tone := headline(c.sum, now)
		if head != c.head || !strings.Contains(detail, c.detail) || tone != c.tone {
			t.Errorf("%s: %s | %s | %s", c.name, head, detail, tone)
		}
	}
}
