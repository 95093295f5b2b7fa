package storetest

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"webex-tokend/store"
)

func rowPromises() []promise {
	return []promise{
		{"a row that was never written is not found", func(t testing.TB, kv store.KV) {
			row(t, kv, "a", "")
		}},
		{"a row is read as it was written, with the revision that Swap returned", func(t testing.TB, kv store.KV) {
			value := string([]byte{0, 1, 255, 0})
			revision := swap(t, kv, store.Change{Name: "a", Expect: store.Absent, Write: write(value)})
			if got := row(t, kv, "a", value).Revision; got != revision {
				t.Fatalf("revision %d, Swap returned %d", got, revision)
			}
			if revision == store.Absent || revision == store.Any {
				t.Fatalf("revision %d is no expectation of its own", revision)
			}
		}},
		{"a row may be empty", func(t testing.TB, kv store.KV) {
			swap(t, kv, store.Change{Name: "a", Write: &store.Write{}})
			if r, err := kv.Get(t.Context(), "a"); err != nil || len(r.Value) != 0 {
				t.Fatalf("got %q and %v", r.Value, err)
			}
			conflict(t, kv, store.Change{Name: "a", Expect: store.Absent, Write: write("v")})
		}},
		{"a write that expects no row conflicts with one", func(t testing.TB, kv store.KV) {
			swap(t, kv, store.Change{Name: "a", Expect: store.Absent, Write: write("1")})
			conflict(t, kv, store.Change{Name: "a", Expect: store.Absent, Write: write("2")})
			row(t, kv, "a", "1")
		}},
		{"a write that expects a revision conflicts with no row", func(t testing.TB, kv store.KV) {
			conflict(t, kv, store.Change{Name: "a", Expect: 7, Write: write("1")})
			row(t, kv, "a", "")
		}},
		{"a write conflicts when the row has another revision", func(t testing.TB, kv store.KV) {
			first := swap(t, kv, store.Change{Name: "a", Write: write("1")})
			second := swap(t, kv, store.Change{Name: "a", Expect: first, Write: write("2")})
			conflict(t, kv, store.Change{Name: "a", Expect: first, Write: write("3")})
			conflict(t, kv, store.Change{Name: "a", Expect: first, Delete: true})
			conflict(t, kv, store.Change{Name: "a", Expect: first, Marks: []store.Mark{{Index: store.OpenIndex, Value: []byte("i")}}})
			if got := row(t, kv, "a", "2").Revision; got != second {
				t.Fatalf("revision %d, want %d", got, second)
			}
			names(t, kv, store.Query{Index: store.OpenIndex})
		}},
		{"a write that expects anything replaces a row or makes one", func(t testing.TB, kv store.KV) {
			swap(t, kv, store.Change{Name: "a", Expect: store.Any, Write: write("1")})
			swap(t, kv, store.Change{Name: "a", Expect: store.Any, Write: write("2")})
			row(t, kv, "a", "2")
		}},
		{"the same bytes written again are a new revision", func(t testing.TB, kv store.KV) {
			first := swap(t, kv, store.Change{Name: "a", Write: write("1")})
			if second := swap(t, kv, store.Change{Name: "a", Expect: first, Write: write("1")}); second == first {
				t.Fatalf("revision %d twice", first)
			}
		}},
		{"a deleted row is not found and may be deleted again", func(t testing.TB, kv store.KV) {
			first := swap(t, kv, store.Change{Name: "a", Write: write("1")})
			if got := swap(t, kv, store.Change{Name: "a", Expect: first, Delete: true}); got != store.Absent {
				t.Fatalf("revision %d after a deletion", got)
			}
			row(t, kv, "a", "")
			swap(t, kv, store.Change{Name: "a", Expect: store.Any, Delete: true})
			conflict(t, kv, store.Change{Name: "a", Expect: first, Delete: true})
		}},
		{"a revision is not used again after a deletion", neverReused},
		{"rows are listed in the order of their names", listed},
		{"bytes that were returned belong to the caller", func(t testing.TB, kv store.KV) {
			swap(t, kv, store.Change{Name: "a", Write: write("value", due("crm", 1, "a"))})
			first := row(t, kv, "a", "value")
			copy(first.Value, "XXXXX")
			list := entries(t, kv, store.Query{Index: store.DueIndex, Group: "crm"})
			copy(list[0].Value, "XXXXX")
			row(t, kv, "a", "value")
			again := entries(t, kv, store.Query{Index: store.DueIndex, Group: "crm"})
			if string(again[0].Value) != "expiry of a" {
				t.Fatalf("entry is now %q", again[0].Value)
			}
		}},
		{"of many writers that saw one revision one succeeds", oneWins},
		{"a reader sees a row and its entries from one change", wholeChanges},
	}
}

func neverReused(t testing.TB, kv store.KV) {
	seen := make(map[store.Revision]bool)
	for range 5 {
		revision := swap(t, kv, store.Change{Name: "a", Expect: store.Absent, Write: write("1")})
		if seen[revision] {
			t.Fatalf("revision %d came twice", revision)
		}
		seen[revision] = true
		swap(t, kv, store.Change{Name: "a", Expect: revision, Delete: true})
		conflict(t, kv, store.Change{Name: "a", Expect: revision, Write: write("2")})
	}
}

func listed(t testing.TB, kv store.KV) {
	for _, name := range []string{"b", "a", "ab", "c", "a-b"} {
		swap(t, kv, store.Change{Name: name, Write: write("value of " + name)})
	}
	for _, c := range []struct {
		after string
		limit int
		want  []string
	}{
		{"", 0, []string{"a", "a-b", "ab", "b", "c"}},
		{"", 2, []string{"a", "a-b"}},
		{"a-b", 2, []string{"ab", "b"}},
		{"aa", 0, []string{"ab", "b", "c"}}, // no such row
		{"c", 0, nil},
	} {
		rows, err := kv.List(t.Context(), c.after, c.limit)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, r := range rows {
			got = append(got, r.Name)
			if string(r.Value) != "value of "+r.Name || r.Revision == store.Absent {
				t.Fatalf("row %s is %q at revision %d", r.Name, r.Value, r.Revision)
			}
		}
		if !slices.Equal(got, c.want) {
			t.Fatalf("after %q, limit %d: got %q, want %q", c.after, c.limit, got, c.want)
		}
	}
}

func oneWins(t testing.TB, kv store.KV) {
	revision := swap(t, kv, store.Change{Name: "a", Write: write("0")})
	var won, lost atomic.Int32
	var wg sync.WaitGroup
	for i := range 32 {
		wg.Go(func() {
			_, err := kv.Swap(t.Context(), store.Change{Name: "a", Expect: revision, Write: write(fmt.Sprint(i))})
			switch {
			case err == nil:
				won.Add(1)
			case errors.Is(err, store.ErrConflict):
				lost.Add(1)
			default:
				t.Errorf("Swap: %v", err)
			}
		})
	}
	wg.Wait()
	if won.Load() != 1 || lost.Load() != 31 {
		t.Fatalf("%d succeeded, %d had a conflict", won.Load(), lost.Load())
	}
}

// wholeChanges moves one grant to and fro between two groups, while a reader
// looks that it always stands in one of them: the one that it had last seen in
// the row or a later one.
func wholeChanges(t testing.TB, kv store.KV) {
	const moves = 50
	change := func(i int) store.Change {
		return store.Change{Name: "a", Expect: store.Any, Write: write(fmt.Sprint(i), due("crm", uint64(i+1), "a"))}
	}
	swap(t, kv, change(0))
	var wg sync.WaitGroup
	wg.Go(func() {
		for i := 1; i <= moves; i++ {
			if _, err := kv.Swap(t.Context(), change(i)); err != nil {
				t.Errorf("Swap: %v", err)
				return
			}
		}
	})
	defer wg.Wait()
	for at := 0; at < moves; {
		r, err := kv.Get(t.Context(), "a")
		if err != nil {
			t.Fatal(err)
		}
		list := entries(t, kv, store.Query{Index: store.DueIndex, Group: "crm"})
		if _, err := fmt.Fscan(bytes.NewReader(r.Value), &at); err != nil {
			t.Fatal(err)
		}
		if len(list) != 1 || list[0].Rank < uint64(at+1) {
			t.Fatalf("the row is at move %d, its entries are %v", at, list)
		}
	}
}
