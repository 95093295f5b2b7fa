package vault_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"webex-tokend/daemon/vault"
	"webex-tokend/store"
	"webex-tokend/store/boltkv"
	"webex-tokend/store/seal"
)

// config is that of a host with a key and no store yet.
func config(t *testing.T) vault.Config {
	t.Helper()
	t.Setenv("CREDENTIALS_DIRECTORY", "")
	dir := t.TempDir()
	key := filepath.Join(dir, "store.key")
	if err := seal.WriteKey(key, seal.NewKey()); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "store.db")
	return vault.Config{Folder: dir, Store: path,
		KeyFile: func() string { return key },
		Open:    func() (vault.Backend, error) { return boltkv.Open(boltkv.Config{Path: path}) }}
}

func open(t *testing.T, cfg vault.Config) *vault.Vault {
	t.Helper()
	v, err := vault.Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestWithoutItsKeyNoStoreIsMade(t *testing.T) {
	cfg := config(t)
	if err := os.Remove(cfg.KeyFile()); err != nil {
		t.Fatal(err)
	}
	_, err := vault.Open(t.Context(), cfg)
	if _, missing := errors.AsType[*seal.MissingKeyError](err); !missing {
		t.Errorf("it says %v", err)
	}
	if _, err := os.Lstat(cfg.Store); err == nil {
		t.Error("there is a store")
	}
}

func TestAnotherKeyLeavesTheStoreClosed(t *testing.T) {
	cfg := config(t)
	if err := open(t, cfg).Close(); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(os.Remove(cfg.KeyFile()), seal.WriteKey(cfg.KeyFile(), seal.NewKey())); err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second time proves that the first let go of the file
		if _, err := vault.Open(t.Context(), cfg); !errors.Is(err, seal.ErrWrongKey) {
			t.Errorf("it says %v", err)
		}
	}
}

func TestADoubtStaysUntilEveryGrantIsMarked(t *testing.T) {
	cfg := config(t)
	v := open(t, cfg)
	trusted := func(context.Context) (int, error) { t.Error("a new store is in doubt"); return 0, nil }
	if err := v.Settle(t.Context(), trusted); err != nil {
		t.Fatal(err)
	}
	if err := v.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(cfg.Folder, "anchor")); err != nil { // as on another host
		t.Fatal(err)
	}
	v = open(t, cfg)
	defer v.Close()
	asked := 0
	for _, outcome := range []error{errors.New("cut off"), nil} {
		err := v.Settle(t.Context(), func(context.Context) (int, error) { asked++; return 0, outcome })
		if !errors.Is(err, outcome) {
			t.Errorf("it says %v", err)
		}
	}
	if asked != 2 {
		t.Errorf("grants were marked %d times, once in vain", asked)
	}
}

func TestTheKeyOfTheNextStartIsNotForgotten(t *testing.T) {
	cfg := config(t)
	v := open(t, cfg)
	defer v.Close()
	key, err := v.AddKey(t.Context())
	if err == nil {
		err = errors.Join(os.Remove(cfg.KeyFile()), seal.WriteKey(cfg.KeyFile(), key))
	}
	if err != nil {
		t.Fatal(err)
	}
	if _, needed := errors.AsType[*vault.NextKeyError](v.ForgetKey(t.Context(), key.ID())); !needed {
		t.Error("the key in the file is forgotten")
	}
	if fault := v.Key(t.Context()).Fault; fault != "" {
		t.Errorf("the next start would fail: %s", fault)
	}
}

func TestAStoreThatWasReplacedIsNoticedAndRescued(t *testing.T) {
	cfg := config(t)
	v := open(t, cfg)
	defer v.Close()
	if err := os.Rename(cfg.Store, cfg.Store+".away"); err != nil {
		t.Fatal(err)
	}
	if _, err := v.Store().SwapBlob(t.Context(), "note", store.Any, []byte("1")); !errors.Is(err, store.ErrReplaced) {
		t.Errorf("a change says %v", err)
	}
	<-v.Replaced()
	v.LeaveReplaced(t.Context())
	if kept, _ := filepath.Glob(filepath.Join(cfg.Folder, "backups", "replaced-*.db")); len(kept) != 1 || !v.IsReplaced() {
		t.Errorf("kept are %q", kept)
	}
}

// A backup or restore that was killed left its copy on the disk for ever.
func TestLeftoversOfInterruptedBackupsAndRestoresGo(t *testing.T) {
	cfg := config(t)
	leftovers := []string{"backups/.stream-123/store.db", "backups/.store-20261122T031500Z.db.42", "backups/.replaced-1.db.7", ".store.db.99", ".anchor123"}
	others := []string{"backups/store-20261122T031500Z.db", "backups/.mine", ".anchors", "notes"}
	for _, name := range append(leftovers, others...) {
		path := filepath.Join(cfg.Folder, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := open(t, cfg).Close(); err != nil {
		t.Fatal(err)
	}
	for _, name := range leftovers {
		if _, err := os.Lstat(filepath.Join(cfg.Folder, name)); err == nil {
			t.Errorf("%s is still there", name)
		}
	}
	for _, name := range others {
		if _, err := os.Lstat(filepath.Join(cfg.Folder, name)); err != nil {
			t.Errorf("%s is gone: %v", name, err)
		}
	}
}
