package boltkv

import (
	"path/filepath"
	"testing"
	"testing/synctest"

	"webex-tokend/store"
)

func TestARowUnderWayToTheDiskIsNotReadBeforeItIsThere(t *testing.T) {
	for what, failed := range map[string]bool{"and arrives": false, "and fails": true} {
		t.Run(what, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "store.db")
			synctest.Test(t, func(t *testing.T) {
				kv := openFor(t, path)
				put(t, kv, "a", "1")
				put(t, kv, "b", "2")
				f := newFlight([]*operation{{subject: subject{name: "a"}}})
				kv.flight.Store(f)

				got := make(chan string, 2)
				go func() {
					r, err := kv.Get(t.Context(), "a")
					got <- string(r.Value)
					if err != nil {
						t.Error(err)
					}
				}()
				go func() {
					rows, err := kv.List(t.Context(), "", 1)
					if err != nil || len(rows) != 1 {
						t.Errorf("%v and %v", rows, err)
					}
					got <- string(rows[0].Value)
				}()
				synctest.Wait()
				if len(got) > 0 {
					t.Fatal("the row was returned before the commit had ended")
				}
				get(t, kv, "b", "2") // is not part of it
				if _, err := kv.Blob(t.Context(), "a"); err != store.ErrNotFound {
					t.Error(err)
				}

				want := "1"
				if failed {
					// Whatever the reopened file says is what they must return.
					put(t, kv, "a", "3")
					want = "3"
				}
				f.failed = failed
				kv.flight.Store(nil)
				close(f.landed)
				for range 2 {
					if value := <-got; value != want {
						t.Errorf("got %q, want %q", value, want)
					}
				}
			})
		})
	}
}
