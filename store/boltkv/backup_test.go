package boltkv

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"go.etcd.io/bbolt"

	"webex-tokend/store"
)

func TestABackupIsOneInstantOfAStoreThatIsBeingChanged(t *testing.T) {
	folder := t.TempDir()
	kv := openFor(t, filepath.Join(folder, "store.db"))
	// Every round writes "a", then "b": at no instant is b ahead of a.
	write := func(n int) { put(t, kv, "a", fmt.Sprintf("%08d", n)); put(t, kv, "b", fmt.Sprintf("%08d", n)) }
	write(0)
	ctx, stop := context.WithCancel(t.Context())
	var writer sync.WaitGroup
	writer.Go(func() {
		for n := 1; ctx.Err() == nil; n++ {
			write(n)
		}
	})
	for n := range 10 {
		backup := filepath.Join(folder, fmt.Sprintf("backup-%d.db", n))
		if err := kv.Backup(t.Context(), backup); err != nil {
			t.Fatal(err)
		}
		view, err := View(backup)
		if err != nil {
			t.Fatal(err)
		}
		a, err := view.Get(t.Context(), "a")
		if err != nil {
			t.Fatal(err)
		}
		b, err := view.Get(t.Context(), "b")
		if err != nil || string(b.Value) > string(a.Value) {
			t.Errorf("a is %s, b is %s, and %v", a.Value, b.Value, err)
		}
		if rows, err := view.Check(t.Context(), func(fault string) bool { t.Error(fault); return true }); err != nil || rows != 2 {
			t.Errorf("%d rows, %v", rows, err)
		}
		view.Close()
	}
	stop()
	writer.Wait()
}

func TestABackupReplacesNothingAndLeavesNoPart(t *testing.T) {
	folder := t.TempDir()
	kv := openFor(t, filepath.Join(folder, "store.db"))
	backup := filepath.Join(folder, "backup.db")
	if err := kv.Backup(t.Context(), backup); err != nil {
		t.Fatal(err)
	}
	if err := kv.Backup(t.Context(), backup); !errors.Is(err, fs.ErrExist) {
		t.Errorf("a second one: %v", err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := kv.Backup(ended, backup+"2"); !errors.Is(err, context.Canceled) {
		t.Errorf("for a caller who has left: %v", err)
	}
	left, err := filepath.Glob(filepath.Join(folder, "backup*"))
	if err != nil || !slices.Equal(left, []string{backup}) {
		t.Errorf("there are %q", left)
	}
}

func TestARestoreNeedsAnEmptyPlaceAndAWholeBackup(t *testing.T) {
	folder := t.TempDir()
	kv := openFor(t, filepath.Join(folder, "store.db"))
	put(t, kv, "ops", "value")
	backup, cut := filepath.Join(folder, "backup.db"), filepath.Join(folder, "cut.db")
	if err := kv.Backup(t.Context(), backup); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(backup)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(cut, whole[:len(whole)-4096], 0o600); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(folder, "new.db")
	if err := Restore(t.Context(), backup, Config{Path: filepath.Join(folder, "store.db")}); !errors.Is(err, store.ErrLocked) {
		t.Errorf("over a store in use: %v", err)
	}
	if err := Restore(t.Context(), cut, Config{Path: path}); !errors.Is(err, store.ErrDamaged) {
		t.Errorf("of a backup cut short: %v", err)
	}
	ended, end := context.WithCancel(t.Context())
	end()
	if err := Restore(ended, backup, Config{Path: path}); !errors.Is(err, context.Canceled) {
		t.Errorf("of a caller who left: %v", err)
	}
	if left, err := filepath.Glob(path + "*"); err != nil || !slices.Equal(left, []string{path + ".lock"}) {
		t.Fatalf("what was refused left %v, %v", left, err)
	}
	var done, of int64
	tell := func(bytes, all int64) { done, of = bytes, all }
	if err := Restore(t.Context(), backup, Config{Path: path, Progress: tell}); err != nil || done != int64(len(whole)) || of != done {
		t.Fatalf("%d of %d bytes, %v", done, of, err)
	}
	if err := Restore(t.Context(), backup, Config{Path: path}); !errors.Is(err, fs.ErrExist) {
		t.Errorf("over a store: %v", err)
	}
	get(t, openFor(t, path), "ops", "value")
}

func TestLookingAtAStoreChangesNoByte(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	kv := openFor(t, path)
	put(t, kv, "ops", "value")
	if _, err := View(path); !errors.Is(err, store.ErrLocked) {
		t.Errorf("while it is in use: %v", err)
	}
	kv.Close()
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	view, err := View(path)
	if err != nil {
		t.Fatal(err)
	}
	get(t, view, "ops", "value")
	if _, err := view.Swap(t.Context(), store.Change{Name: "ops", Expect: store.Any, Delete: true}); !errors.Is(err, store.ErrClosed) {
		t.Errorf("a change: %v", err)
	}
	if err := view.Close(); err != nil {
		t.Error(err)
	}
	if after, err := os.ReadFile(path); err != nil || !bytes.Equal(before, after) {
		t.Errorf("the file has changed, or %v", err)
	}
}

func TestCheckFindsWhatDoesNotAgree(t *testing.T) {
	dueKey := keyOf(store.Entry{Group: "crm", Rank: 1, Name: "ops"})
	for _, c := range []struct {
		name, says string
		harm       func(*bbolt.Tx) error
	}{
		{"nothing is wrong", "", func(*bbolt.Tx) error { return nil }},
		{"an entry is gone", "row ops is missing in the index due", func(tx *bbolt.Tx) error {
			return tx.Bucket([]byte(store.DueIndex)).Delete(dueKey)
		}},
		{"an entry is of no row", `index attention has an entry that the row of "ops" does not know`, func(tx *bbolt.Tx) error {
			return tx.Bucket([]byte(store.AttentionIndex)).Put(dueKey, nil)
		}},
		{"a mark is of no row", `index open has an entry that the row of "other" does not know`, func(tx *bbolt.Tx) error {
			return tx.Bucket([]byte(store.OpenIndex)).Put(markKey("other"), []byte("x"))
		}},
		{"a row is damaged", "row ops is damaged", func(tx *bbolt.Tx) error {
			return tx.Bucket([]byte(rowsBucket)).Put([]byte("ops"), []byte("short"))
		}},
	} {
		path := filepath.Join(t.TempDir(), "store.db")
		kv := openFor(t, path)
		change := store.Change{Name: "ops", Write: &store.Write{Value: []byte("v"),
			Entries: []store.Entry{{Index: store.DueIndex, Group: "crm", Rank: 1, Name: "ops", Value: []byte("v")}}}}
		if _, err := kv.Swap(t.Context(), change); err != nil {
			t.Fatal(err)
		}
		kv.Close()
		edit(t, path, c.harm)
		view, err := View(path)
		if err != nil {
			t.Fatal(err)
		}
		var faults []string
		if _, err := view.Check(t.Context(), func(fault string) bool { faults = append(faults, fault); return true }); err != nil {
			t.Fatal(err)
		}
		view.Close()
		if c.says == "" && len(faults) > 0 || c.says != "" && !slices.Contains(faults, c.says) {
			t.Errorf("%s: %q", c.name, faults)
		}
	}
}
