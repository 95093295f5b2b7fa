package storetest

import (
	"fmt"
	"testing"

	"webex-tokend/store"
)

func indexPromises() []promise {
	return []promise{
		{"an entry is found as it was written", func(t testing.TB, kv store.KV) {
			swap(t, kv, store.Change{Name: "a", Write: write("1", due("crm", 1<<63+5, "a"), attention("crm/ok", 9, "a"))})
			list := entries(t, kv, store.Query{Index: store.DueIndex, Group: "crm"})
			if len(list) != 1 {
				t.Fatalf("got %d entries", len(list))
			}
			e := list[0]
			if e.Index != store.DueIndex || e.Group != "crm" || e.Rank != 1<<63+5 || e.Name != "a" || string(e.Value) != "expiry of a" {
				t.Fatalf("got %+v", e)
			}
			names(t, kv, store.Query{Index: store.AttentionIndex, Group: "crm/ok"}, "a")
		}},
		{"entries come in the order of rank, then name", func(t testing.TB, kv store.KV) {
			for name, rank := range map[string]uint64{"a": 300, "b": 2, "c": 1 << 40, "d": 2, "e": 256} {
				swap(t, kv, store.Change{Name: name, Write: write("1", due("crm", rank, name))})
			}
			names(t, kv, store.Query{Index: store.DueIndex, Group: "crm"}, "b", "d", "e", "a", "c")
		}},
		{"a query starts behind its position", func(t testing.TB, kv store.KV) {
			fill(t, kv)
			q := store.Query{Index: store.DueIndex, Group: "crm"}
			q.After = store.Position{Rank: 2, Name: "b"}
			names(t, kv, q, "c", "d", "e")
			q.After = store.Position{Rank: 2, Name: "bb"} // where nothing stands
			names(t, kv, q, "c", "d", "e")
			q.After = store.Position{Rank: 3}
			names(t, kv, q, "e")
			q.After = store.Position{Rank: 3, Name: "e"}
			names(t, kv, q)
		}},
		{"a query ends before its rank and at its limit", func(t testing.TB, kv store.KV) {
			fill(t, kv)
			names(t, kv, store.Query{Index: store.DueIndex, Group: "crm", Below: 3}, "a", "b", "c", "d")
			names(t, kv, store.Query{Index: store.DueIndex, Group: "crm", Below: 1})
			names(t, kv, store.Query{Index: store.DueIndex, Group: "crm", Limit: 2}, "a", "b")
			names(t, kv, store.Query{Index: store.DueIndex, Group: "crm", Limit: 1, Below: 3,
				After: store.Position{Rank: 2, Name: "b"}}, "c")
		}},
		{"limit zero means a thousand", func(t testing.TB, kv store.KV) {
			const n = 1001
			var each []func()
			for i := range n {
				name := fmt.Sprintf("g%04d", i)
				each = append(each, func() {
					if _, err := kv.Swap(t.Context(), store.Change{Name: name, Write: write("1", due("crm", 1, name))}); err != nil {
						t.Errorf("Swap: %v", err)
					}
				})
			}
			together(each)
			if got := len(entries(t, kv, store.Query{Index: store.DueIndex, Group: "crm"})); got != 1000 {
				t.Fatalf("got %d entries", got)
			}
			if rows, err := kv.List(t.Context(), "", 0); err != nil || len(rows) != 1000 {
				t.Fatalf("got %d rows and %v", len(rows), err)
			}
		}},
		{"groups that begin alike do not mix", func(t testing.TB, kv store.KV) {
			for _, group := range []string{"", "a", "a/b", "ab", "b"} {
				name := "in " + group
				swap(t, kv, store.Change{Name: name, Write: write("1", due(group, 1<<56, name), attention(group, 1, name))})
			}
			for _, group := range []string{"", "a", "a/b", "ab", "b"} {
				names(t, kv, store.Query{Index: store.DueIndex, Group: group}, "in "+group)
				names(t, kv, store.Query{Index: store.AttentionIndex, Group: group}, "in "+group)
				count(t, kv, store.DueIndex, group, 1)
			}
			names(t, kv, store.Query{Index: store.DueIndex, Group: "c"})
		}},
		{"a write replaces all entries of its row and no other's", func(t testing.TB, kv store.KV) {
			swap(t, kv, store.Change{Name: "b", Write: write("1", due("crm", 2, "b"))})
			swap(t, kv, store.Change{Name: "a", Write: write("1", due("crm", 1, "a"), attention("crm/ok", 1, "a"))})
			swap(t, kv, store.Change{Name: "a", Expect: store.Any, Write: write("2", due("crm", 3, "a"))})
			names(t, kv, store.Query{Index: store.DueIndex, Group: "crm"}, "b", "a")
			names(t, kv, store.Query{Index: store.AttentionIndex, Group: "crm/ok"})
			swap(t, kv, store.Change{Name: "a", Expect: store.Any, Write: write("3")})
			names(t, kv, store.Query{Index: store.DueIndex, Group: "crm"}, "b")
		}},
		{"an entry that stays where it was takes its new value", func(t testing.TB, kv store.KV) {
			e := due("crm", 1, "a")
			swap(t, kv, store.Change{Name: "a", Write: write("1", e)})
			e.Value = []byte("later")
			swap(t, kv, store.Change{Name: "a", Expect: store.Any, Write: write("2", e)})
			if list := entries(t, kv, store.Query{Index: store.DueIndex, Group: "crm"}); len(list) != 1 || string(list[0].Value) != "later" {
				t.Fatalf("got %v", list)
			}
		}},
		{"a deletion removes the entries and marks of its row and no other's", func(t testing.TB, kv store.KV) {
			for _, name := range []string{"a", "b"} {
				swap(t, kv, store.Change{Name: name, Write: write("1", due("crm", 1, name), attention("crm/ok", 1, name)),
					Marks: []store.Mark{{Index: store.OpenIndex, Value: []byte("i")}, {Index: store.UnpublishedIndex, Value: []byte("1")}}})
			}
			swap(t, kv, store.Change{Name: "a", Expect: store.Any, Delete: true})
			names(t, kv, store.Query{Index: store.DueIndex, Group: "crm"}, "b")
			names(t, kv, store.Query{Index: store.AttentionIndex, Group: "crm/ok"}, "b")
			names(t, kv, store.Query{Index: store.OpenIndex}, "b")
			names(t, kv, store.Query{Index: store.UnpublishedIndex}, "b")
		}},
		{"a conflict leaves the entries as they are", func(t testing.TB, kv store.KV) {
			swap(t, kv, store.Change{Name: "a", Write: write("1", due("crm", 1, "a"))})
			conflict(t, kv, store.Change{Name: "a", Expect: store.Absent, Write: write("2", due("erp", 2, "a"))})
			names(t, kv, store.Query{Index: store.DueIndex, Group: "crm"}, "a")
			names(t, kv, store.Query{Index: store.DueIndex, Group: "erp"})
		}},
	}
}

// fill writes a at rank 1, b to d at rank 2 and e at rank 3 of one group.
func fill(t testing.TB, kv store.KV) {
	for name, rank := range map[string]uint64{"a": 1, "b": 2, "c": 2, "d": 2, "e": 3} {
		swap(t, kv, store.Change{Name: name, Write: write("1", due("crm", rank, name))})
	}
}
