package boltkv

import (
	"fmt"
	"path/filepath"
	"testing"

	"go.etcd.io/bbolt"

	"webex-tokend/store"
)

func TestCountsAreExactWhileTheyAreBeingFilled(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	kv := openFor(t, path)
	still(kv)
	const rows = 60
	move := func(i int, group string) {
		t.Helper()
		name := fmt.Sprintf("g%02d", i)
		c := store.Change{Name: name, Expect: store.Any, Write: &store.Write{Entries: []store.Entry{
			{Index: store.DueIndex, Group: group, Rank: uint64(1 + i*7%rows), Name: name},
			{Index: store.AttentionIndex, Group: group, Rank: 1, Name: name}}}}
		o := operationOf(c)
		kv.serve([]*operation{o})
		if o.err != nil {
			t.Fatal(o.err)
		}
	}
	for i := range rows {
		move(i, "m")
	}
	kv.tally.restart()
	// Before every short step of the walk one grant goes ahead of it or falls
	// behind it.
	for i := 0; kv.tally.counting(); i++ {
		move(i%rows, []string{"a", "m", "z"}[i%3])
		if err := kv.file.db.View(func(tx *bbolt.Tx) error { kv.tally.walk(tx, 5); return nil }); err != nil {
			t.Fatal(err)
		}
	}
	for _, index := range []store.Index{store.DueIndex, store.AttentionIndex} {
		for _, group := range []string{"a", "m", "z"} {
			list, err := kv.Range(t.Context(), store.Query{Index: index, Group: group})
			if err != nil {
				t.Fatal(err)
			}
			if n, complete := kv.tally.count(index, group); n != len(list) || !complete {
				t.Errorf("%s %s: counted %d of %d", index, group, n, len(list))
			}
		}
	}
}
