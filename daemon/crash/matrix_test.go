package crash_test

import (
	"slices"
	"strconv"
	"testing"
	"time"
)

// longGrace is longer than any restart here takes.
const longGrace = time.Minute

// diesAt kills a process at a point of its refresh and reports whether that lost
// the grant.
func diesAt(t *testing.T, grace time.Duration, how string) (lost bool) {
	t.Helper()
	h := newHost(t, grace)
	id := h.consented()
	p := h.start("refresh", how)
	if killed, code := p.wait(); !killed {
		t.Fatalf("the point was not reached, exit code %d: %s%s", code, p.out.String(), p.err.String())
	}
	h.published(id)
	alive := h.alive()
	h.published(id)
	if alive && h.webex.Stats().Reuses > 0 {
		t.Errorf("it lives, after %d refresh tokens that were used up", h.webex.Stats().Reuses)
	}
	return !alive
}

func TestNoPointOfARefreshLosesAGrantThatTheServerGivesGrace(t *testing.T) {
	all, _ := points()
	for _, p := range all {
		t.Run(string(p), func(t *testing.T) {
			t.Parallel()
			if diesAt(t, longGrace, string(p)) {
				t.Error("the grant is lost")
			}
		})
	}
}

func TestWithoutAGraceNothingIsLostButAnAnswerThatIsNotDurableYet(t *testing.T) {
	all, costly := points()
	for _, p := range all {
		t.Run(string(p), func(t *testing.T) {
			t.Parallel()
			if lost := diesAt(t, 0, string(p)); lost != costly[p] {
				t.Errorf("lost: %t", lost)
			}
		})
	}
}

func TestTheMatrixSeesAnOutcomeThatIsAcknowledgedTooEarly(t *testing.T) {
	if !diesAt(t, 0, "hasty, "+string(afterOutcome)) {
		t.Error("nothing was lost: the matrix proves nothing")
	}
}

// The window is the only place where a kill costs a grant at a server without
// grace. Its length is for the reader: nothing fails by it.
func TestTheWindowBetweenAnswerAndCommitIsMeasured(t *testing.T) {
	h := newHost(t, 0)
	h.consented()
	var windows []time.Duration
	for range rounds(t, 20) {
		p := h.start("refresh", "")
		if _, code := p.wait(); code != 0 {
			t.Fatal(p.err.String())
		}
		for _, text := range p.says("window") {
			n, err := strconv.ParseInt(text, 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			windows = append(windows, time.Duration(n))
		}
	}
	if len(windows) == 0 {
		t.Fatal("no window was told")
	}
	slices.Sort(windows)
	t.Logf("from the end of an answer to its commit: median %v, 99th percentile %v, longest of %d %v",
		windows[len(windows)/2], windows[len(windows)*99/100], len(windows), windows[len(windows)-1])
}
