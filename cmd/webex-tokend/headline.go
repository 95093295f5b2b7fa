package main

import (
	"fmt"
	"strings"
	"time"

	"webex-tokend/daemon/verdict"
	"webex-tokend/daemon/wire"
	"webex-tokend/store"
)

// headline answers in one line whether somebody has to act, and until when.
func headline(sum wire.Status, now time.Time) string {
	var b strings.Builder
	if sum.Grants == 0 && sum.Keeper.StoreError != "" {
		return "nothing is known of the grants: the store cannot be used"
	}
	if sum.Grants == 0 {
		return "no grants yet"
	}
	b.WriteString(plural(sum.Grants, "grant"))
	if sum.Counting {
		b.WriteString(" so far (still counting)")
	}
	ended := sum.Horizon != nil && !sum.Horizon.At.After(now)
	critical, soon := sum.Levels[string(verdict.Critical)], sum.Levels[string(verdict.Warning)]
	if sum.States[string(store.OK)] == sum.Grants && critical+soon == 0 && !waits(sum) && !ended && sum.Keeper.Overdue == 0 && sum.FailingOutputs.Count == 0 {
		b.WriteString(", all good")
	} else {
		separator := ": "
		for _, state := range store.ByUrgency() {
			if n := sum.States[string(state)]; n > 0 {
				fmt.Fprintf(&b, "%s%d %s", separator, n, state)
				separator = ", "
			}
		}
	}
	if sum.Keeper.Overdue > 0 {
		fmt.Fprintf(&b, "; %d overdue", sum.Keeper.Overdue)
	}
	if critical > 0 {
		fmt.Fprintf(&b, "; %s attention now", needing(critical))
	}
	if soon > 0 {
		fmt.Fprintf(&b, "; %s attention soon", needing(soon))
	}
	if critical > 0 {
		return b.String()
	}
	if waits(sum) {
		b.WriteString("; human action needed now")
	} else if first := sum.Horizon; first != nil {
		left := first.At.Sub(now)
		switch {
		case ended:
			b.WriteString("; human action needed since " + date(first.At))
		case left < verdict.Usual().Warning: // then hours begin to matter
			b.WriteString("; first human action needed in " + span(left))
		default:
			b.WriteString("; first human action needed by " + date(first.At))
		}
		fmt.Fprintf(&b, " (%s)", first.Grant)
	} else if sum.EarliestWindowEnd != nil {
		b.WriteString("; all windows slide, no human action in sight")
	}
	return b.String()
}

// waits reports whether the store needs attention.
func waits(sum wire.Status) bool {
	return sum.Keeper.StoreError != "" || sum.StoreKey != nil && sum.StoreKey.Fault != ""
}

func needing(n int) string {
	if n == 1 {
		return "1 needs"
	}
	return fmt.Sprintf("%d need", n)
}

func plural(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}
