package seal_test

import (
	"os"
	"path/filepath"
	"testing"

	"webex-tokend/store/boltkv"
	"webex-tokend/store/seal"
)

// anchorage is a store in a file with its anchor.
func anchorage(t *testing.T, path, keyFile, machine string) (seal.Anchor, *host, *boltkv.KV) {
	t.Helper()
	h, kv, err := openFile(t.Context(), path, keyFile)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { kv.Close() })
	return seal.Anchor{Ring: h.ring, Path: filepath.Join(filepath.Dir(path), "anchor"), Machine: machine}, h, kv
}

func TestOnlyTheLatestStoreOfThisHostIsTrusted(t *testing.T) {
	folder := t.TempDir()
	path, keyFile := filepath.Join(folder, "store.db"), filepath.Join(folder, "store.key")
	if err := seal.WriteKey(keyFile, seal.NewKey()); err != nil {
		t.Fatal(err)
	}
	backup := func(name string) string { return filepath.Join(folder, name) }

	// The first start, cut off before and after the anchor; then a usual life
	// with a backup in each run.
	a, _, kv := anchorage(t, path, keyFile, "m1")
	trust(t, "a new store", a, true)
	raise(t, a)
	trust(t, "a new store that was raised", a, true)
	for _, name := range []string{"first.db", "second.db"} {
		if err := kv.Backup(t.Context(), backup(name)); err != nil {
			t.Fatal(err)
		}
		raise(t, a)
		kv.Close()
		a, _, kv = anchorage(t, path, keyFile, "m1")
		trust(t, "started again", a, true)
		raise(t, a)
	}
	kv.Close()

	for machine, trusted := range map[string]bool{"m1": true, "m2": false, "": true} {
		a, _, kv = anchorage(t, path, keyFile, machine)
		trust(t, "on machine "+machine, a, trusted)
		kv.Close()
	}

	for _, name := range []string{"first.db", "second.db"} {
		if err := os.Rename(path, backup("away.db")); err != nil {
			t.Fatal(err)
		}
		if err := boltkv.Restore(t.Context(), backup(name), configOf(path)); err != nil {
			t.Fatal(err)
		}
		a, _, kv = anchorage(t, path, keyFile, "m1")
		trust(t, name+" put back", a, false)
		if name == "second.db" {
			raise(t, a)
			trust(t, "once it was settled", a, true)
			if err := os.Remove(a.Path); err != nil {
				t.Fatal(err)
			}
			trust(t, "on a host that never had it", a, false)
			if err := os.WriteFile(a.Path, []byte("torn"), 0o600); err != nil {
				t.Fatal(err)
			}
			trust(t, "beside a file of something else", a, false)
		}
		kv.Close()
		if err := os.Rename(backup("away.db"), path); err != nil {
			t.Fatal(err)
		}
		if name == "first.db" {
			a, _, kv = anchorage(t, path, keyFile, "m1")
			trust(t, "the store itself put back", a, true)
			kv.Close()
		}
	}
}

func TestACopyThatTakesThePlaceOfTheStoreIsNotTrusted(t *testing.T) {
	folder := t.TempDir()
	path, keyFile := filepath.Join(folder, "store.db"), filepath.Join(folder, "store.key")
	if err := seal.WriteKey(keyFile, seal.NewKey()); err != nil {
		t.Fatal(err)
	}
	a, _, kv := anchorage(t, path, keyFile, "m1")
	raise(t, a)
	copied, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	trust(t, "the store, which is no newer than the copy by its number", a, true)
	if err := a.Outrun(t.Context()); err != nil {
		t.Fatal(err)
	}
	kv.Close()
	if err := os.WriteFile(path, copied, 0o600); err != nil {
		t.Fatal(err)
	}
	a, _, _ = anchorage(t, path, keyFile, "m1")
	trust(t, "the copy", a, false)
	raise(t, a)
	trust(t, "once it was settled", a, true)
}

func TestTheAnchorHoldsOverARotation(t *testing.T) {
	folder := t.TempDir()
	path, keyFile := filepath.Join(folder, "store.db"), filepath.Join(folder, "store.key")
	if err := seal.WriteKey(keyFile, seal.NewKey()); err != nil {
		t.Fatal(err)
	}
	a, h, _ := anchorage(t, path, keyFile, "m1")
	raise(t, a)
	if err := h.ring.Renew(t.Context()); err != nil {
		t.Fatal(err)
	}
	raise(t, a)
	if err := h.ring.Retire(t.Context(), h.Store, nil); err != nil {
		t.Fatal(err)
	}
	trust(t, "after the rotation", a, true)
}

func raise(t *testing.T, a seal.Anchor) {
	t.Helper()
	if err := a.Raise(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func trust(t *testing.T, when string, a seal.Anchor, want bool) {
	t.Helper()
	doubt, err := a.Doubt(t.Context())
	if err != nil || (doubt == "") != want {
		t.Errorf("%s: doubt %q and %v", when, doubt, err)
	}
}
