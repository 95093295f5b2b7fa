package web

import (
	"fmt"
	"time"

	"webex-tokend/daemon/verdict"
	"webex-tokend/daemon/wire"
	"webex-tokend/store"
)

// headline answers whether somebody has to act, and until when.
func headline(sum wire.Status, now time.Time) (head, detail, tone string) {
	bad, soon := sum.Levels[string(verdict.Critical)], sum.Levels[string(verdict.Warning)]
	switch {
	case sum.Grants == 0:
		head, tone = "No grants yet", "rest"
	case sum.Keeper.StoreError != "":
		head, tone = "The store refuses to be written", "bad"
	case sum.HostsFault != "":
		head, tone = "No host refreshes", "bad"
	case sum.StoreKey != nil && sum.StoreKey.Fault != "":
		head, tone = "The store will not open again", "bad"
	case bad > 0:
		head, tone = verbed(bad, "needs attention", "need attention"), "bad"
	case sum.Horizon != nil && !sum.Horizon.At.After(now):
		head, tone = "Attention is needed", "bad"
	case sum.Keeper.Overdue > 0:
		head, tone = "Refreshes are late", "busy"
	case sum.FailingOutputs.Count > 0:
		head, tone = "Not all files and hooks have the current token", "busy"
	case len(verdict.OfHosts(sum)) > 0:
		head, tone = "Not all hosts are as they should be", "busy"
	case soon > 0:
		head, tone = verbed(soon, "needs attention soon", "need attention soon"), "busy"
	case sum.States[string(store.Pending)] > 0:
		head, tone = verbed(sum.States[string(store.Pending)], "waits for its first tokens", "wait for their first tokens"), "busy"
	case sum.Levels[string(verdict.Working)] > 0:
		head, tone = "Nobody has to act", "busy"
	default:
		head, tone = "All good", "good"
	}
	switch first := sum.EarliestWindowEnd; {
	case sum.Grants == 0:
		detail = "Declare one in the configuration, then authorize it here."
	case first == nil:
		detail = "No window is known to end."
	case first.At.Before(now):
		detail = fmt.Sprintf("%s ended on %s.", first.Grant, date(first.At))
	default:
		detail = fmt.Sprintf("First to end is %s, %s, on %s.", first.Grant, distance(first.At, now), date(first.At))
	}
	switch h := sum.Horizon; {
	case tone == "bad" && (h == nil || h.At.After(now)): // now
	case h == nil && sum.EarliestWindowEnd != nil:
		detail += " All windows slide: no human action is in sight."
	case h == nil:
	case h.At.Before(now):
		detail += fmt.Sprintf(" Human action is needed since %s (%s).", date(h.At), h.Grant)
	default:
		detail += fmt.Sprintf(" Human action is needed by %s (%s).", date(h.At), h.Grant)
	}
	return head, detail, tone
}

// verbed makes a sentence of a number of grants.
func verbed(n int, one, many string) string {
	if n == 1 {
		return count(n, "grant") + " " + one
	}
	return count(n, "grant") + " " + many
}
