package ledger_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"webex-tokend/daemon/ledger"
)

var start = time.Date(2026, 11, 22, 3, 0, 0, 0, time.UTC)

func reading(uid uint32, unit string, generation uint64, after time.Duration) ledger.Reading {
	return ledger.Reading{Reader: ledger.Reader{UID: uid, Unit: unit}, Generation: generation, At: start.Add(after)}
}

func TestTheLastReadingOfEachReaderCounts(t *testing.T) {
	var l ledger.Ledger
	if got := l.Of("ops"); got != nil {
		t.Errorf("a new ledger holds %v", got)
	}
	l.Note("ops", reading(1000, "crm.service", 1, 0))
	l.Note("ops", reading(1000, "", 1, time.Second))
	l.Note("other", reading(0, "", 9, time.Second))
	l.Note("ops", reading(1000, "crm.service", 2, time.Minute))
	want := []ledger.Reading{reading(1000, "crm.service", 2, time.Minute), reading(1000, "", 1, time.Second)}
	if got := l.Of("ops"); !slices.Equal(got, want) {
		t.Errorf("got %v", got)
	}
}

func TestALedgerForgetsWhomItHasNotSeenForLongest(t *testing.T) {
	t.Run("of one grant", func(t *testing.T) {
		var l ledger.Ledger
		for i := range 40 {
			l.Note("ops", reading(uint32(i), "", 1, time.Duration(i)))
			l.Note("ops", reading(0, "", 1, time.Duration(i)))
		}
		got := l.Of("ops")
		if len(got) != 32 || !slices.ContainsFunc(got, func(r ledger.Reading) bool { return r.UID == 0 }) || got[31].UID != 9 {
			t.Errorf("%d are left, the oldest is %v", len(got), got[len(got)-1])
		}
	})
	t.Run("of all grants", func(t *testing.T) {
		var l ledger.Ledger
		for i := range 8192 + 1 {
			l.Note(fmt.Sprint("g", i), reading(7, "", 1, time.Duration(i)))
			l.Note("g0", reading(7, "", 1, time.Duration(i)))
		}
		if len(l.Of("g0")) != 1 || len(l.Of("g1")) != 0 || len(l.Of("g2")) != 1 {
			t.Error("not the one unseen for longest went")
		}
	})
}

func BenchmarkNote(b *testing.B) {
	var l ledger.Ledger
	for b.Loop() {
		l.Note("ops", reading(1000, "crm.service", 1, 0))
	}
}
