package storetest

import (
	"context"
	"errors"

	"webex-tokend/store"
)

// A reporter is what the steps of a check need of a testing.TB; a rapid.T has
// it too. The steps fail at once, so that a check reads as a story.
type reporter interface {
	Helper()
	Context() context.Context
	Fatalf(format string, args ...any)
}

func swap(t reporter, kv store.KV, c store.Change) store.Revision {
	t.Helper()
	revision, err := kv.Swap(t.Context(), c)
	if err != nil {
		t.Fatalf("Swap of %s: %v", c.Name, err)
	}
	return revision
}

func conflict(t reporter, kv store.KV, c store.Change) {
	t.Helper()
	if _, err := kv.Swap(t.Context(), c); !errors.Is(err, store.ErrConflict) {
		t.Fatalf("Swap of %s: got %v, want a conflict", c.Name, err)
	}
}

func write(value string, entries ...store.Entry) *store.Write {
	return &store.Write{Value: []byte(value), Entries: entries}
}

func due(group string, rank uint64, name string) store.Entry {
	return store.Entry{Index: store.DueIndex, Group: group, Rank: rank, Name: name, Value: []byte("expiry of " + name)}
}

func attention(group string, rank uint64, name string) store.Entry {
	return store.Entry{Index: store.AttentionIndex, Group: group, Rank: rank, Name: name}
}

// row checks that a row has that value; "" says that there is no row.
func row(t reporter, kv store.KV, name, value string) store.Row {
	t.Helper()
	r, err := kv.Get(t.Context(), name)
	if value == "" {
		if !errors.Is(err, store.ErrNotFound) {
			t.Fatalf("Get of %s: got %q and %v, want not found", name, r.Value, err)
		}
		return store.Row{}
	}
	if err != nil || string(r.Value) != value || r.Name != name {
		t.Fatalf("Get of %s: got %s = %q and %v, want %q", name, r.Name, r.Value, err, value)
	}
	return r
}

func entries(t reporter, kv store.KV, q store.Query) []store.Entry {
	t.Helper()
	list, err := kv.Range(t.Context(), q)
	if err != nil {
		t.Fatalf("Range of %s %q: %v", q.Index, q.Group, err)
	}
	return list
}

// names checks the names of the entries that a query finds, in order.
func names(t reporter, kv store.KV, q store.Query, want ...string) {
	t.Helper()
	list := entries(t, kv, q)
	got := make([]string, len(list))
	for i, e := range list {
		got[i] = e.Name
	}
	if len(got) != len(want) {
		t.Fatalf("Range of %+v: got %q, want %q", q, got, want)
	}
	for i := range got {
		if got[i] != want[i] {
			t.Fatalf("Range of %+v: got %q, want %q", q, got, want)
		}
	}
}

// count waits until the backend has counted, then checks one count.
func count(t reporter, kv store.KV, index store.Index, group string, want int) {
	t.Helper()
	for {
		n, complete, err := kv.Count(t.Context(), index, group)
		if err != nil {
			t.Fatalf("Count of %s %q: %v", index, group, err)
		}
		if !complete {
			continue
		}
		if n != want {
			t.Fatalf("Count of %s %q: got %d, want %d", index, group, n, want)
		}
		return
	}
}

func ended() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}
