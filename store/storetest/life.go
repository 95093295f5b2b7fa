package storetest

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync/atomic"
	"testing"

	"webex-tokend/store"
)

func lifePromises() []promise {
	return []promise{
		{"a context that has ended is the error and changes nothing", func(t testing.TB, kv store.KV) {
			for what, err := range callAll(ended(), kv) {
				if !errors.Is(err, context.Canceled) {
					t.Errorf("%s: got %v", what, err)
				}
			}
			row(t, kv, "a", "")
		}},
		{"after Close every method says so", func(t testing.TB, kv store.KV) {
			swap(t, kv, store.Change{Name: "a", Write: write("1")})
			if err := kv.Close(); err != nil {
				t.Fatal(err)
			}
			for what, err := range callAll(t.Context(), kv) {
				if !errors.Is(err, store.ErrClosed) {
					t.Errorf("%s: got %v", what, err)
				}
			}
			if err := kv.Close(); err != nil {
				t.Errorf("a second Close: %v", err)
			}
		}},
		{"Close under load answers every change, done or refused", func(t testing.TB, kv store.KV) {
			var done atomic.Int32
			each := []func(){func() {
				for done.Load() < 20 {
					runtime.Gosched()
				}
				if err := kv.Close(); err != nil {
					t.Errorf("Close: %v", err)
				}
			}}
			for w := range 16 {
				each = append(each, func() {
					for i := 0; ; i++ {
						_, err := kv.Swap(t.Context(), store.Change{Name: fmt.Sprintf("g%d-%d", w, i), Write: write("1")})
						if errors.Is(err, store.ErrClosed) {
							return
						}
						if err != nil {
							t.Errorf("Swap: %v", err)
							return
						}
						done.Add(1)
					}
				})
			}
			together(each)
		}},
	}
}

func callAll(ctx context.Context, kv store.KV) map[string]error {
	errs := make(map[string]error)
	_, errs["Get"] = kv.Get(ctx, "a")
	_, errs["Mark"] = kv.Mark(ctx, store.OpenIndex, "a")
	_, errs["Swap"] = kv.Swap(ctx, store.Change{Name: "a", Expect: store.Any, Write: write("2")})
	_, errs["Range"] = kv.Range(ctx, store.Query{Index: store.DueIndex, Group: "crm"})
	_, _, errs["Count"] = kv.Count(ctx, store.DueIndex, "crm")
	_, _, errs["Groups"] = kv.Groups(ctx, store.DueIndex)
	_, errs["List"] = kv.List(ctx, "", 0)
	_, errs["Blob"] = kv.Blob(ctx, "a")
	_, errs["SwapBlob"] = kv.SwapBlob(ctx, "a", store.Any, nil)
	return errs
}
