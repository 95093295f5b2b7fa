package storetest

import (
	"errors"
	"sync/atomic"
	"testing"

	"webex-tokend/store"
)

func markPromises() []promise {
	intent := func(value string) []store.Mark {
		return []store.Mark{{Index: store.OpenIndex, Value: []byte(value)}}
	}
	return []promise{
		{"a mark alone leaves the row and its revision as they are", func(t testing.TB, kv store.KV) {
			revision := swap(t, kv, store.Change{Name: "a", Write: write("1", due("crm", 1, "a"))})
			if got := swap(t, kv, store.Change{Name: "a", Expect: revision, Marks: intent("sent")}); got != revision {
				t.Fatalf("revision %d, was %d", got, revision)
			}
			if got := row(t, kv, "a", "1").Revision; got != revision {
				t.Fatalf("revision %d, was %d", got, revision)
			}
			names(t, kv, store.Query{Index: store.DueIndex, Group: "crm"}, "a")
			mark(t, kv, store.OpenIndex, "a", "sent")
		}},
		{"a mark beside a write changes with it", func(t testing.TB, kv store.KV) {
			revision := swap(t, kv, store.Change{Name: "a", Write: write("1"), Marks: intent("sent")})
			swap(t, kv, store.Change{Name: "a", Expect: revision, Write: write("2"), Marks: []store.Mark{
				{Index: store.OpenIndex}, {Index: store.UnpublishedIndex, Value: []byte("2")}}})
			names(t, kv, store.Query{Index: store.OpenIndex})
			mark(t, kv, store.UnpublishedIndex, "a", "2")
		}},
		{"a write without marks leaves them", func(t testing.TB, kv store.KV) {
			swap(t, kv, store.Change{Name: "a", Write: write("1"), Marks: intent("sent")})
			swap(t, kv, store.Change{Name: "a", Expect: store.Any, Write: write("2")})
			mark(t, kv, store.OpenIndex, "a", "sent")
		}},
		{"a mark can stand without a row", func(t testing.TB, kv store.KV) {
			swap(t, kv, store.Change{Name: "a", Expect: store.Any, Marks: intent("sent")})
			mark(t, kv, store.OpenIndex, "a", "sent")
			row(t, kv, "a", "")
			swap(t, kv, store.Change{Name: "a", Expect: store.Absent, Marks: intent("again")})
			mark(t, kv, store.OpenIndex, "a", "again")
		}},
		{"clearing a mark that does not stand changes nothing", func(t testing.TB, kv store.KV) {
			swap(t, kv, store.Change{Name: "a", Expect: store.Any, Marks: []store.Mark{{Index: store.OpenIndex}}})
			names(t, kv, store.Query{Index: store.OpenIndex})
		}},
		{"an empty mark stands", func(t testing.TB, kv store.KV) {
			swap(t, kv, store.Change{Name: "a", Expect: store.Any, Marks: intent("")})
			names(t, kv, store.Query{Index: store.OpenIndex}, "a")
			swap(t, kv, store.Change{Name: "a", Expect: store.Any, Marks: []store.Mark{{Index: store.OpenIndex, If: []byte{}}}})
			names(t, kv, store.Query{Index: store.OpenIndex})
			conflict(t, kv, store.Change{Name: "a", Expect: store.Any, Marks: []store.Mark{{Index: store.OpenIndex, If: []byte{}}}})
		}},
		{"a mark changes only if it has the value that is asked for", func(t testing.TB, kv store.KV) {
			clear := store.Change{Name: "a", Expect: store.Any, Marks: []store.Mark{{Index: store.UnpublishedIndex, If: []byte("1")}}}
			conflict(t, kv, clear) // stands not at all
			swap(t, kv, store.Change{Name: "a", Expect: store.Any, Marks: []store.Mark{{Index: store.UnpublishedIndex, Value: []byte("2")}}})
			conflict(t, kv, clear)
			mark(t, kv, store.UnpublishedIndex, "a", "2")
			swap(t, kv, store.Change{Name: "a", Expect: store.Any, Marks: []store.Mark{{Index: store.UnpublishedIndex, Value: []byte("1"), If: []byte("2")}}})
			swap(t, kv, clear)
			names(t, kv, store.Query{Index: store.UnpublishedIndex})
		}},
		{"a mark that is not as expected keeps the whole change away", func(t testing.TB, kv store.KV) {
			swap(t, kv, store.Change{Name: "a", Write: write("1", due("crm", 1, "a"))})
			conflict(t, kv, store.Change{Name: "a", Expect: store.Any, Write: write("2", due("erp", 1, "a")), Marks: []store.Mark{
				{Index: store.OpenIndex, Value: []byte("sent")},
				{Index: store.UnpublishedIndex, Value: []byte("2"), If: []byte("1")}}})
			row(t, kv, "a", "1")
			names(t, kv, store.Query{Index: store.DueIndex, Group: "crm"}, "a")
			names(t, kv, store.Query{Index: store.OpenIndex})
		}},
		{"a mark that must be vacant is set once", func(t testing.TB, kv store.KV) {
			vacant := store.Change{Name: "a", Expect: store.Any, Marks: []store.Mark{{Index: store.OpenIndex, Value: []byte("1"), Vacant: true}}}
			swap(t, kv, vacant)
			conflict(t, kv, vacant)
			mark(t, kv, store.OpenIndex, "a", "1")
			swap(t, kv, store.Change{Name: "a", Expect: store.Any, Marks: []store.Mark{{Index: store.OpenIndex, If: []byte("1")}}})
			swap(t, kv, vacant)
		}},
		{"a mark that is not vacant keeps the whole change away", func(t testing.TB, kv store.KV) {
			swap(t, kv, store.Change{Name: "a", Write: write("1"), Marks: intent("")})
			conflict(t, kv, store.Change{Name: "a", Expect: store.Any, Write: write("2"),
				Marks: []store.Mark{{Index: store.OpenIndex, Value: []byte("2"), Vacant: true}}})
			row(t, kv, "a", "1")
			mark(t, kv, store.OpenIndex, "a", "")
		}},
		{"of many that want one vacant mark one succeeds", oneClaims},
		{"a mark is read by itself", func(t testing.TB, kv store.KV) {
			if _, err := kv.Mark(t.Context(), store.OpenIndex, "a"); !errors.Is(err, store.ErrNotFound) {
				t.Fatalf("without one: %v", err)
			}
			swap(t, kv, store.Change{Name: "a", Expect: store.Any, Marks: intent("sent")})
			swap(t, kv, store.Change{Name: "ab", Expect: store.Any, Marks: intent("other")})
			if value, err := kv.Mark(t.Context(), store.OpenIndex, "a"); err != nil || string(value) != "sent" {
				t.Fatalf("got %q and %v", value, err)
			}
			if _, err := kv.Mark(t.Context(), store.UnpublishedIndex, "a"); !errors.Is(err, store.ErrNotFound) {
				t.Fatalf("in another index: %v", err)
			}
		}},
		{"marks are found in the order of names, in pages", func(t testing.TB, kv store.KV) {
			for _, name := range []string{"c", "a", "d", "b"} {
				swap(t, kv, store.Change{Name: name, Expect: store.Any, Marks: intent("sent")})
			}
			names(t, kv, store.Query{Index: store.OpenIndex, Limit: 3}, "a", "b", "c")
			names(t, kv, store.Query{Index: store.OpenIndex, After: store.Position{Name: "b"}}, "c", "d")
		}},
	}
}

func mark(t reporter, kv store.KV, index store.Index, name, want string) {
	t.Helper()
	for _, e := range entries(t, kv, store.Query{Index: index}) {
		if e.Name == name {
			if string(e.Value) != want || e.Group != "" || e.Rank != 0 {
				t.Fatalf("mark of %s in %s is %+v, want %q", name, index, e, want)
			}
			return
		}
	}
	t.Fatalf("%s has no mark in %s", name, index)
}

func oneClaims(t testing.TB, kv store.KV) {
	revision := swap(t, kv, store.Change{Name: "a", Write: write("0")})
	var won, lost atomic.Int32
	each := make([]func(), 16)
	for i := range each {
		each[i] = func() {
			_, err := kv.Swap(t.Context(), store.Change{Name: "a", Expect: revision,
				Marks: []store.Mark{{Index: store.OpenIndex, Value: []byte{byte(i)}, Vacant: true}}})
			switch {
			case err == nil:
				won.Add(1)
			case errors.Is(err, store.ErrConflict):
				lost.Add(1)
			default:
				t.Errorf("Swap: %v", err)
			}
		}
	}
	together(each)
	if won.Load() != 1 || lost.Load() != 15 {
		t.Fatalf("%d succeeded, %d had a conflict", won.Load(), lost.Load())
	}
}
