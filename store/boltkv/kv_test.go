package boltkv_test

import (
	"path/filepath"
	"testing"

	"webex-tokend/store"
	"webex-tokend/store/boltkv"
	"webex-tokend/store/storetest"
)

func open(t testing.TB, path string) *boltkv.KV {
	t.Helper()
	kv, err := boltkv.Open(boltkv.Config{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := kv.Close(); err != nil {
			t.Error(err)
		}
	})
	return kv
}

func TestBoltKeepsEveryPromise(t *testing.T) {
	storetest.Run(t, func(t testing.TB) store.KV {
		return open(t, filepath.Join(t.TempDir(), "store.db"))
	})
}
