package storetest

import (
	"errors"
	"testing"

	"webex-tokend/store"
)

func blobPromises() []promise {
	return []promise{
		{"a blob that was never written is not found", func(t testing.TB, kv store.KV) {
			if _, err := kv.Blob(t.Context(), "cursor"); !errors.Is(err, store.ErrNotFound) {
				t.Fatalf("got %v", err)
			}
		}},
		{"a blob is swapped at its revision and at no other", func(t testing.TB, kv store.KV) {
			first, err := kv.SwapBlob(t.Context(), "cursor", store.Absent, []byte("1"))
			if err != nil {
				t.Fatal(err)
			}
			second, err := kv.SwapBlob(t.Context(), "cursor", first, []byte("2"))
			if err != nil || second == first {
				t.Fatalf("revision %d after %d, %v", second, first, err)
			}
			for _, expect := range []store.Revision{store.Absent, first} {
				if _, err := kv.SwapBlob(t.Context(), "cursor", expect, []byte("3")); !errors.Is(err, store.ErrConflict) {
					t.Fatalf("expecting %d: got %v", expect, err)
				}
			}
			if b, err := kv.Blob(t.Context(), "cursor"); err != nil || string(b.Value) != "2" || b.Revision != second {
				t.Fatalf("got %q at %d and %v", b.Value, b.Revision, err)
			}
			if _, err := kv.SwapBlob(t.Context(), "cursor", store.Any, []byte("4")); err != nil {
				t.Fatal(err)
			}
			if _, err := kv.SwapBlob(t.Context(), "other", 7, []byte("1")); !errors.Is(err, store.ErrConflict) {
				t.Fatalf("a revision of nothing: got %v", err)
			}
		}},
		{"a blob and a row of one name have nothing to do with one another", func(t testing.TB, kv store.KV) {
			if _, err := kv.SwapBlob(t.Context(), "a", store.Absent, []byte("blob")); err != nil {
				t.Fatal(err)
			}
			row(t, kv, "a", "")
			swap(t, kv, store.Change{Name: "a", Expect: store.Absent, Write: write("row")})
			swap(t, kv, store.Change{Name: "a", Expect: store.Any, Delete: true})
			b, err := kv.Blob(t.Context(), "a")
			if err != nil || string(b.Value) != "blob" {
				t.Fatalf("got %q and %v", b.Value, err)
			}
			copy(b.Value, "XXXX")
			if b, err := kv.Blob(t.Context(), "a"); err != nil || string(b.Value) != "blob" {
				t.Fatalf("a caller's own bytes changed it: %q and %v", b.Value, err)
			}
		}},
	}
}
