package storetest

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"webex-tokend/store"
)

// RunShared checks what two hosts that share one store are promised. open
// returns their two handles on an empty store.
func RunShared(t *testing.T, open func(testing.TB) (one, other store.KV)) {
	for _, p := range []struct {
		name  string
		check func(testing.TB, store.KV, store.KV)
	}{
		{"what one host writes the other one reads", func(t testing.TB, a, b store.KV) {
			first := swap(t, a, store.Change{Name: "a", Write: write("1", due("crm", 1, "a"))})
			eventually(t, func() bool { r, err := b.Get(t.Context(), "a"); return err == nil && r.Revision == first })
			names(t, b, store.Query{Index: store.DueIndex, Group: "crm"}, "a")
			second := swap(t, b, store.Change{Name: "a", Expect: first, Write: write("2")})
			if second == first {
				t.Fatal("one revision twice")
			}
			conflict(t, a, store.Change{Name: "a", Expect: first, Write: write("3")})
			eventually(t, func() bool { r, err := a.Get(t.Context(), "a"); return err == nil && string(r.Value) == "2" })
			names(t, a, store.Query{Index: store.DueIndex, Group: "crm"})
			swap(t, a, store.Change{Name: "a", Expect: second, Delete: true})
			eventually(t, func() bool { _, err := b.Get(t.Context(), "a"); return errors.Is(err, store.ErrNotFound) })
		}},
		{"of two hosts that want one vacant mark one succeeds", func(t testing.TB, a, b store.KV) {
			for i := range 20 {
				var won atomic.Int32
				var both sync.WaitGroup
				for _, kv := range []store.KV{a, b} {
					both.Go(func() {
						_, err := kv.Swap(t.Context(), store.Change{Name: fmt.Sprint(i), Expect: store.Any,
							Marks: []store.Mark{{Index: store.OpenIndex, Value: []byte("x"), Vacant: true}}})
						if err == nil {
							won.Add(1)
						} else if !errors.Is(err, store.ErrConflict) {
							t.Errorf("Swap: %v", err)
						}
					})
				}
				both.Wait()
				if won.Load() != 1 {
					t.Fatalf("%d have it", won.Load())
				}
			}
		}},
		{"an intent that one host made the other one cannot close by a value of its own", func(t testing.TB, a, b store.KV) {
			swap(t, a, store.Change{Name: "a", Expect: store.Any, Marks: []store.Mark{{Index: store.OpenIndex, Value: []byte("a's"), Vacant: true}}})
			conflict(t, b, store.Change{Name: "a", Expect: store.Any, Marks: []store.Mark{{Index: store.OpenIndex, If: []byte("b's")}}})
			eventually(t, func() bool { v, _ := b.Mark(t.Context(), store.OpenIndex, "a"); return string(v) == "a's" })
			swap(t, b, store.Change{Name: "a", Expect: store.Any, Write: write("1")})
			mark(t, b, store.OpenIndex, "a", "a's")
		}},
		{"what outputs are behind by is each host's own", func(t testing.TB, a, b store.KV) {
			w := write("1")
			w.Stamp, w.Unpublished = []byte("one"), []byte{1}
			first := swap(t, a, store.Change{Name: "a", Write: w})
			for _, kv := range []store.KV{a, b} {
				eventually(t, func() bool { v, _ := kv.Mark(t.Context(), store.UnpublishedIndex, "a"); return len(v) == 1 })
			}
			published := store.Change{Name: "a", Expect: store.Any, Marks: []store.Mark{{Index: store.UnpublishedIndex, If: []byte{1}}}}
			swap(t, a, published)
			if _, err := a.Mark(t.Context(), store.UnpublishedIndex, "a"); !errors.Is(err, store.ErrNotFound) {
				t.Fatalf("here: %v", err)
			}
			// A write that outputs do not show leaves them alone.
			second := swap(t, a, store.Change{Name: "a", Expect: first, Write: w})
			eventually(t, func() bool { r, err := b.Get(t.Context(), "a"); return err == nil && r.Revision == second })
			if _, err := a.Mark(t.Context(), store.UnpublishedIndex, "a"); !errors.Is(err, store.ErrNotFound) {
				t.Fatalf("here, after a write that changed nothing: %v", err)
			}
			mark(t, b, store.UnpublishedIndex, "a", "\x01")
		}},
		{"blobs are shared", func(t testing.TB, a, b store.KV) {
			first, err := a.SwapBlob(t.Context(), "note", store.Absent, []byte("1"))
			if err != nil {
				t.Fatal(err)
			}
			if _, err := b.SwapBlob(t.Context(), "note", store.Absent, []byte("2")); !errors.Is(err, store.ErrConflict) {
				t.Fatalf("a second one: %v", err)
			}
			eventually(t, func() bool { there, err := b.Blob(t.Context(), "note"); return err == nil && there.Revision == first })
			if _, err := b.SwapBlob(t.Context(), "note", first, []byte("2")); err != nil {
				t.Fatal(err)
			}
		}},
		{"writers on both hosts lose no update", func(t testing.TB, a, b store.KV) {
			const each = 25
			swap(t, a, store.Change{Name: "sum", Write: write("0")})
			var writers sync.WaitGroup
			for _, kv := range []store.KV{a, b, a, b} {
				writers.Go(func() {
					for n := 0; n < each; {
						r, err := kv.Get(t.Context(), "sum")
						if errors.Is(err, store.ErrNotFound) {
							continue // the copy is not there yet
						}
						var sum int
						if _, scanned := fmt.Sscan(string(r.Value), &sum); err != nil || scanned != nil {
							t.Errorf("Get: %q, %v", r.Value, err)
							return
						}
						_, err = kv.Swap(t.Context(), store.Change{Name: "sum", Expect: r.Revision, Write: write(fmt.Sprint(sum + 1))})
						if err == nil {
							n++
						} else if !errors.Is(err, store.ErrConflict) {
							t.Errorf("Swap: %v", err)
							return
						}
					}
				})
			}
			writers.Wait()
			eventually(t, func() bool { r, _ := a.Get(t.Context(), "sum"); return string(r.Value) == fmt.Sprint(4*each) })
		}},
	} {
		t.Run(p.name, func(t *testing.T) {
			a, b := open(t)
			p.check(t, a, b)
		})
	}
}

// eventually waits until a copy has followed.
func eventually(t testing.TB, there func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !there(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the other host has not followed")
		}
	}
}
