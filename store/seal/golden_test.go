package seal_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"webex-tokend/store/seal"
)

// The stores in testdata were written by earlier builds and stay as they are:
// unsealed.db by one from before sealing, sealed.db by the first one that seals,
// with the key in store.key. Each holds what fill puts into a store.
const goldenGrants = 5

func TestStoresOfEarlierBuildsOpen(t *testing.T) {
	for _, name := range []string{"unsealed.db", "sealed.db"} {
		t.Run(name, func(t *testing.T) {
			folder := t.TempDir()
			path, keyFile := filepath.Join(folder, "store.db"), filepath.Join(folder, "store.key")
			for from, to := range map[string]string{name: path, "store.key": keyFile} {
				content, err := os.ReadFile(filepath.Join("testdata", from))
				if err == nil {
					err = os.WriteFile(to, content, 0o600)
				}
				if err != nil {
					t.Fatal(err)
				}
			}
			h, kv, err := openFile(t.Context(), path, keyFile)
			if name == "unsealed.db" {
				if !errors.Is(err, seal.ErrUnsealed) {
					t.Fatalf("it is not taken for an unsealed one: %v", err)
				}
				key, err := keyOf(keyFile)
				if err == nil {
					err = seal.Migrate(configOf(path), key)
				}
				if err != nil {
					t.Fatal(err)
				}
				h, kv, err = openFile(t.Context(), path, keyFile)
				if err != nil {
					t.Fatal(err)
				}
			} else if err != nil {
				t.Fatal(err)
			}
			defer kv.Close()
			complete(t, h, kv, goldenGrants, nil)
		})
	}
}
