package boltkv

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"go.etcd.io/bbolt"

	"webex-tokend/store"
)

// still ends the committer of kv, so that the test can take its place.
func still(kv *KV) {
	kv.queue.close()
	<-kv.done
}

func operationOf(c store.Change) *operation {
	return &operation{ctx: context.Background(), done: make(chan struct{}),
		apply: func(t *transaction) (store.Revision, error) { return t.swap(c) }}
}

// TestAFailedCommitIsNotBelieved takes the descriptor away from bbolt, so that
// its next commit fails as it would on a disk that is gone.
func TestAFailedCommitIsNotBelieved(t *testing.T) {
	kv := openFor(t, filepath.Join(t.TempDir(), "store.db"))
	e := store.Entry{Index: store.DueIndex, Group: "crm", Rank: 7, Name: "a"}
	if _, err := kv.Swap(t.Context(), store.Change{Name: "a", Write: &store.Write{Value: []byte("1"), Entries: []store.Entry{e}}}); err != nil {
		t.Fatal(err)
	}
	broken := kv.file.db
	kv.file.raw.Close()
	_, err := kv.Swap(t.Context(), store.Change{Name: "a", Expect: store.Any, Write: &store.Write{Value: []byte("2")}})
	if err == nil || errors.Is(err, store.ErrConflict) || errors.Is(err, store.ErrDamaged) {
		t.Fatalf("the commit without a file: %v", err)
	}
	if kv.file.db == broken {
		t.Fatal("the file was not opened anew")
	}
	get(t, kv, "a", "1")
	put(t, kv, "b", "3")
	for complete := false; !complete; {
		var n int
		n, complete, _ = kv.Count(t.Context(), store.DueIndex, "crm")
		if complete && n != 1 {
			t.Fatalf("counted %d entries", n)
		}
	}
}

func TestAFileThatDoesNotOpenAgainIsTriedUntilItDoes(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "store.db")
	kv := openFor(t, path)
	put(t, kv, "a", "1")
	kv.file.raw.Close()
	if err := os.Rename(path, path+".away"); err != nil {
		t.Fatal(err)
	}
	change := store.Change{Name: "a", Expect: store.Any, Write: &store.Write{Value: []byte("2")}}
	// inPlace alone would refuse the change, so the commit is asked for
	// directly.
	o := operationOf(change)
	still(kv)
	kv.transact([]*operation{o})
	if o.err == nil {
		t.Fatal("a commit without a file succeeded")
	}
	if _, err := kv.Get(t.Context(), "a"); err == nil {
		t.Fatal("a row was read without a file")
	}
	if err := os.Rename(path+".away", path); err != nil {
		t.Fatal(err)
	}
	kv.reopen()
	get(t, kv, "a", "1")
}

// TestAnOperationThatFailsInItsGroupFailsAlone has a bucket where a row should
// be: bbolt refuses to write there.
func TestAnOperationThatFailsInItsGroupFailsAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	openFor(t, path).Close()
	edit(t, path, func(tx *bbolt.Tx) error {
		_, err := tx.Bucket([]byte(rowsBucket)).CreateBucket([]byte("g3"))
		return err
	})
	kv := openFor(t, path)
	still(kv)
	var group []*operation
	for i := range 6 {
		c := store.Change{Name: fmt.Sprintf("g%d", i), Expect: store.Any, Write: &store.Write{Value: []byte("v")}}
		group = append(group, operationOf(c))
	}
	kv.serve(group)
	for i, o := range group {
		<-o.done
		if failed := o.err != nil; failed != (i == 3) {
			t.Errorf("operation %d: %v", i, o.err)
		}
	}
	get(t, kv, "g5", "v")
}

func TestWhatNobodyCanApplyIsRefused(t *testing.T) {
	kv := openFor(t, filepath.Join(t.TempDir(), "store.db"))
	entry := func(e store.Entry) *store.Write { return &store.Write{Entries: []store.Entry{e}} }
	for what, c := range map[string]store.Change{
		"no name":                    {Write: &store.Write{}},
		"a name that is too long":    {Name: string(make([]byte, maxText+1)), Write: &store.Write{}},
		"a value that is too long":   {Name: "a", Write: &store.Write{Value: make([]byte, maxValue+1)}},
		"a write and a deletion":     {Name: "a", Write: &store.Write{}, Delete: true},
		"an entry of another grant":  {Name: "a", Write: entry(store.Entry{Index: store.DueIndex, Name: "b"})},
		"an entry among the marks":   {Name: "a", Write: entry(store.Entry{Index: store.OpenIndex, Name: "a"})},
		"a group with a zero byte":   {Name: "a", Write: entry(store.Entry{Index: store.DueIndex, Name: "a", Group: "a\x00b"})},
		"a mark among the entries":   {Name: "a", Marks: []store.Mark{{Index: store.DueIndex, Value: []byte{1}}}},
		"an index that there is not": {Name: "a", Marks: []store.Mark{{Index: "other", Value: []byte{1}}}},
	} {
		c.Expect = store.Any
		if _, err := kv.Swap(t.Context(), c); err == nil || errors.Is(err, store.ErrConflict) {
			t.Errorf("%s: got %v", what, err)
		}
	}
	if _, err := kv.SwapBlob(t.Context(), "blob", store.Any, make([]byte, maxValue+1)); err == nil {
		t.Error("a blob that is too long: stored")
	}
	if rows, err := kv.List(t.Context(), "", 0); err != nil || len(rows) != 0 {
		t.Errorf("%v and %v", rows, err)
	}
}
