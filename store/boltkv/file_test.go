package boltkv

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"go.etcd.io/bbolt"
	"golang.org/x/sys/unix"

	"webex-tokend/store"
	"webex-tokend/store/lockfile"
)

func openFor(t *testing.T, path string) *KV {
	t.Helper()
	kv, err := Open(Config{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { kv.Close() })
	return kv
}

func put(t *testing.T, kv *KV, name, value string) {
	t.Helper()
	c := store.Change{Name: name, Expect: store.Any, Write: &store.Write{Value: []byte(value)}}
	if _, err := kv.Swap(t.Context(), c); err != nil {
		t.Fatal(err)
	}
}

func get(t *testing.T, kv *KV, name, want string) {
	t.Helper()
	if r, err := kv.Get(t.Context(), name); err != nil || string(r.Value) != want {
		t.Fatalf("%s = %q and %v, want %q", name, r.Value, err, want)
	}
}

func TestANewStoreIsPrivateAndLeavesNoTemporaryFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	openFor(t, path)
	for _, name := range []string{path, path + ".lock"} {
		info, err := os.Lstat(name)
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode() != 0o600 {
			t.Errorf("%s has mode %v", name, info.Mode())
		}
	}
	if _, err := os.Lstat(path + ".new"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the temporary file: %v", err)
	}
}

func TestACreationThatWasCutOffIsBegunAgain(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	if err := os.WriteFile(path+".new", []byte("half a page"), 0o600); err != nil {
		t.Fatal(err)
	}
	put(t, openFor(t, path), "a", "1")
}

func TestOpeningAgainKeepsEverything(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	kv := openFor(t, path)
	e := store.Entry{Index: store.DueIndex, Group: "crm", Rank: 7, Name: "a", Value: []byte("v")}
	first, err := kv.Swap(t.Context(), store.Change{Name: "a",
		Write: &store.Write{Value: []byte("1"), Entries: []store.Entry{e}},
		Marks: []store.Mark{{Index: store.OpenIndex, Value: []byte("sent")}}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := kv.SwapBlob(t.Context(), "cursor", store.Absent, []byte("blob")); err != nil {
		t.Fatal(err)
	}
	put(t, kv, "b", "2")
	if _, err := kv.Swap(t.Context(), store.Change{Name: "b", Expect: store.Any, Delete: true}); err != nil {
		t.Fatal(err)
	}
	if err := kv.Close(); err != nil {
		t.Fatal(err)
	}

	kv = openFor(t, path)
	get(t, kv, "a", "1")
	if list, err := kv.Range(t.Context(), store.Query{Index: store.DueIndex, Group: "crm"}); err != nil || len(list) != 1 || string(list[0].Value) != "v" {
		t.Errorf("due: %v and %v", list, err)
	}
	if list, err := kv.Range(t.Context(), store.Query{Index: store.OpenIndex}); err != nil || len(list) != 1 || string(list[0].Value) != "sent" {
		t.Errorf("open: %v and %v", list, err)
	}
	if b, err := kv.Blob(t.Context(), "cursor"); err != nil || string(b.Value) != "blob" {
		t.Errorf("blob: %q and %v", b.Value, err)
	}
	again, err := kv.Swap(t.Context(), store.Change{Name: "b", Expect: store.Absent, Write: &store.Write{}})
	if err != nil || again <= first+1 {
		t.Errorf("revision %d of the second life of b and %v; the first life had %d", again, err, first+1)
	}
}

func TestAFileOfANewerFormatIsRefusedAndLeftAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	openFor(t, path).Close()
	edit(t, path, func(tx *bbolt.Tx) error {
		return tx.Bucket([]byte(metaBucket)).Put([]byte(formatKey), []byte{format + 1})
	})
	before, _ := os.ReadFile(path)
	if _, err := Open(Config{Path: path}); !errors.Is(err, store.ErrNewerFormat) {
		t.Fatalf("got %v", err)
	}
	if after, _ := os.ReadFile(path); string(after) != string(before) {
		t.Fatal("the file has changed")
	}
}

func TestABboltFileOfSomebodyElseIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	edit(t, path, func(tx *bbolt.Tx) error {
		_, err := tx.CreateBucket([]byte("theirs"))
		return err
	})
	if _, err := Open(Config{Path: path}); !errors.Is(err, store.ErrDamaged) {
		t.Fatalf("got %v", err)
	}
}

func TestASymbolicLinkIsNotFollowed(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "store.db")
	openFor(t, filepath.Join(dir, "other.db")).Close()
	if err := os.Symlink("other.db", path); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(Config{Path: path}); err == nil {
		t.Fatal("the store opened through a symbolic link")
	}
	if err := os.Symlink("/etc/hostname", filepath.Join(dir, "linked.db.lock")); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(Config{Path: filepath.Join(dir, "linked.db")}); err == nil {
		t.Fatal("the lock file opened through a symbolic link")
	}
}

func TestNoCommitGoesToAFileThatWasReplaced(t *testing.T) {
	for name, replace := range map[string]func(path string) error{
		"by nothing":      func(string) error { return nil },
		"by another file": func(path string) error { return os.WriteFile(path, nil, 0o600) },
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, "store.db")
			kv := openFor(t, path)
			put(t, kv, "a", "1")
			if err := errors.Join(os.Rename(path, filepath.Join(dir, "moved.db")), replace(path)); err != nil {
				t.Fatal(err)
			}
			change := store.Change{Name: "a", Expect: store.Any, Write: &store.Write{Value: []byte("2")}}
			if _, err := kv.Swap(t.Context(), change); !errors.Is(err, store.ErrReplaced) {
				t.Fatalf("a change was made: %v", err)
			}
			<-kv.Replaced()
			// Even when it comes back: nobody knows what was done to it meanwhile.
			if err := os.Rename(filepath.Join(dir, "moved.db"), path); err != nil {
				t.Fatal(err)
			}
			if _, err := kv.Swap(t.Context(), change); !errors.Is(err, store.ErrReplaced) {
				t.Errorf("a change was made after all: %v", err)
			}
			get(t, kv, "a", "1")
			if err := kv.Backup(t.Context(), filepath.Join(dir, "rescued.db")); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestAStoreThatCouldOnlyBeReadIsWrittenOnceItsDiskTakesIt(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	kv := openFor(t, path)
	put(t, kv, "a", "1")
	kv.Close()

	f := &file{path: path, log: kv.log, refuses: unix.EROFS}
	if err := f.openAs(true); err != nil {
		t.Fatal(err)
	}
	lock, err := lockfile.Acquire(path+".lock", 0)
	if err != nil {
		t.Fatal(err)
	}
	kv = &KV{log: f.log, lock: lock, queue: newQueue(), tally: newTally(), done: make(chan struct{}), file: f}
	go kv.commit()
	t.Cleanup(func() { kv.Close() })
	get(t, kv, "a", "1")
	put(t, kv, "a", "2")
	get(t, kv, "a", "2")
}

func edit(t *testing.T, path string, f func(*bbolt.Tx) error) {
	t.Helper()
	db, err := bbolt.Open(path, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(db.Update(f), db.Close()); err != nil {
		t.Fatal(err)
	}
}
