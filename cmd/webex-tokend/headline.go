package main

import (
	"fmt"
	"strings"
	"time"

	"webex-tokend/daemon/wire"
	"webex-tokend/store"
)

// headline answers in one line whether somebody has to act, and until when.
func headline(sum wire.Status, now time.Time) string {
	var b strings.Builder
	if sum.Grants == 0 {
		return "no grants yet; declare one in the config, then: webex-tokend import GRANT FILE"
	}
	b.WriteString(plural(sum.Grants, "grant"))
	if sum.Counting {
		b.WriteString(" so far (still counting)")
	}
	ended := sum.Horizon != nil && !sum.Horizon.At.After(now)
	if sum.States[string(store.OK)] == sum.Grants && !waits(sum) && !ended && sum.Keeper.Overdue == 0 && sum.FailingOutputs.Count == 0 {
		b.WriteString(", all well")
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
	if waits(sum) {
		b.WriteString("; human action needed now")
	} else if first := sum.Horizon; first != nil {
		left := first.At.Sub(now)
		switch {
		case ended:
			b.WriteString("; human action needed since " + date(first.At))
		case left < windowNear:
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

// waits reports whether there is what only a human ends.
func waits(sum wire.Status) bool {
	if sum.Keeper.StoreError != "" || sum.StoreKey != nil && sum.StoreKey.Fault != "" {
		return true
	}
	for state, n := range sum.States {
		if n > 0 && sign(store.State(state)) == "!" {
			return true
		}
	}
	return false
}

func plural(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}
