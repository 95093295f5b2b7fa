package seal_test

import (
	"os"
	"path/filepath"
	"testing"
)

// testdata/sealed.db was written by the first build that seals, with the key in
// store.key, and stays as it is. It holds what fill puts into a store.
const goldenGrants = 5

func TestAStoreOfAnEarlierBuildOpens(t *testing.T) {
	folder := t.TempDir()
	path, keyFile := filepath.Join(folder, "store.db"), filepath.Join(folder, "store.key")
	for from, to := range map[string]string{"sealed.db": path, "store.key": keyFile} {
		content, err := os.ReadFile(filepath.Join("testdata", from))
		if err == nil {
			err = os.WriteFile(to, content, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	h, kv, err := openFile(t.Context(), path, keyFile)
	if err != nil {
		t.Fatal(err)
	}
	defer kv.Close()
	complete(t, h, kv, goldenGrants, nil)
}
