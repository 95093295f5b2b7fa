package fleet_test

import (
	"slices"
	"testing"

	"webex-tokend/daemon/report"
	"webex-tokend/store"
)

func TestEndsComeFromTheIndexAsTheListHasThem(t *testing.T) {
	hook := &readHook{}
	through(t, hook.around, guests+reserved+earlier, func(t *testing.T, h *host) {
		variety(t, h)
		if got, err := h.report.Ends(t.Context(), report.Query{Limit: 5}); err != nil || !got.More || len(got.List) != 5 {
			t.Errorf("of five: %+v, %v", got, err)
		}
		h.damage("rest-paused-0")
		h.settle()
		for _, q := range []report.Query{{}, {States: []store.State{store.Paused}}, {States: []store.State{store.Pending, store.Retrying}},
			{View: func(name string) bool { return name > "rest-m" }}} {
			want, endless := make(map[report.End]int), 0
			for _, g := range pages(t, h, q) {
				if end := g.End(); end != nil {
					want[report.End{Grant: g.Name, At: *end}]++
				} else {
					endless++
				}
			}
			var read []string
			hook.set(func(name string) { read = append(read, name) })
			q.Limit = 1000
			got, err := h.report.Ends(t.Context(), q)
			hook.set(nil)
			if err != nil {
				t.Fatal(err)
			}
			if got.More || got.Endless != endless || len(got.List) != len(want) || !slices.IsSortedFunc(got.List, func(a, b report.End) int { return a.At.Compare(b.At) }) {
				t.Errorf("of %v: %+v, want %v and %d without an end", q.States, got, want, endless)
			}
			for _, end := range got.List {
				if want[end] != 1 {
					t.Errorf("of %v: %v is not in the list", q.States, end)
				}
			}
			// Of these memory knows more than the index: damaged, or an outcome unknown.
			if slices.Sort(read); !slices.Equal(read, []string{"rest-lost-0", "rest-lost-1", "rest-paused-0"}) {
				t.Errorf("read were %v", read)
			}
		}
	})
}
