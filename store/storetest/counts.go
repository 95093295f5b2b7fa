package storetest

import (
	"fmt"
	"slices"
	"sync"
	"testing"

	"webex-tokend/store"
)

func countPromises() []promise {
	return []promise{
		{"counts follow every change", func(t testing.TB, kv store.KV) {
			count(t, kv, store.DueIndex, "crm", 0)
			swap(t, kv, store.Change{Name: "a", Write: write("1", due("crm", 1, "a"))})
			swap(t, kv, store.Change{Name: "b", Write: write("1", due("crm", 1, "b"))})
			count(t, kv, store.DueIndex, "crm", 2)
			swap(t, kv, store.Change{Name: "a", Expect: store.Any, Write: write("2", due("crm", 1, "a"))}) // where it was
			count(t, kv, store.DueIndex, "crm", 2)
			swap(t, kv, store.Change{Name: "a", Expect: store.Any, Write: write("3", due("erp", 1, "a"))})
			count(t, kv, store.DueIndex, "crm", 1)
			count(t, kv, store.DueIndex, "erp", 1)
			conflict(t, kv, store.Change{Name: "a", Expect: store.Absent, Write: write("4", due("crm", 1, "a"))})
			swap(t, kv, store.Change{Name: "b", Expect: store.Any, Delete: true})
			count(t, kv, store.DueIndex, "crm", 0)
			count(t, kv, store.DueIndex, "erp", 1)
		}},
		{"marks are counted", func(t testing.TB, kv store.KV) {
			set := store.Change{Name: "a", Expect: store.Any, Marks: []store.Mark{{Index: store.OpenIndex, Value: []byte("i")}}}
			swap(t, kv, set)
			swap(t, kv, set)
			count(t, kv, store.OpenIndex, "", 1)
			swap(t, kv, store.Change{Name: "a", Expect: store.Any, Marks: []store.Mark{{Index: store.OpenIndex}}})
			count(t, kv, store.OpenIndex, "", 0)
		}},
		{"only groups with entries are listed", func(t testing.TB, kv store.KV) {
			swap(t, kv, store.Change{Name: "a", Write: write("1", attention("crm/ok", 1, "a"))})
			swap(t, kv, store.Change{Name: "b", Write: write("1", attention("crm/paused", 1, "b"))})
			swap(t, kv, store.Change{Name: "b", Expect: store.Any, Write: write("1", attention("erp/ok", 1, "b"))})
			count(t, kv, store.AttentionIndex, "crm/paused", 0)
			groups, complete, err := kv.Groups(t.Context(), store.AttentionIndex)
			slices.Sort(groups)
			if err != nil || !complete || !slices.Equal(groups, []string{"crm/ok", "erp/ok"}) {
				t.Fatalf("got %q, %t and %v", groups, complete, err)
			}
		}},
		{"counts are exact under concurrent changes", func(t testing.TB, kv store.KV) {
			const writers, moves, groups = 16, 30, 4
			var each []func()
			for w := range writers {
				name := fmt.Sprintf("g%02d", w)
				each = append(each, func() {
					for i := range moves {
						group := fmt.Sprint((w + i) % groups)
						c := store.Change{Name: name, Expect: store.Any, Write: write("1", due(group, uint64(i+1), name))}
						if i%7 == 6 {
							c.Write, c.Delete = nil, true
						}
						if _, err := kv.Swap(t.Context(), c); err != nil {
							t.Errorf("Swap: %v", err)
						}
					}
				})
			}
			together(each)
			for g := range groups {
				group := fmt.Sprint(g)
				count(t, kv, store.DueIndex, group, len(entries(t, kv, store.Query{Index: store.DueIndex, Group: group})))
			}
		}},
	}
}

// together runs all at once and waits for them.
func together(each []func()) {
	var wg sync.WaitGroup
	for _, f := range each {
		wg.Go(f)
	}
	wg.Wait()
}
