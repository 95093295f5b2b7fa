// Package storetest holds every backend of the store to what store.KV
// promises, and has a backend in memory that keeps the same promises without
// a disk.
package storetest

import (
	"testing"

	"webex-tokend/store"
)

// Run checks every promise of store.KV on a backend of its own, then compares
// the backend with Memory over random histories. The backend that open returns
// is empty; open closes it by t.Cleanup, and what it keeps on disk goes with
// t.TempDir.
func Run(t *testing.T, open func(testing.TB) store.KV) {
	for _, p := range promises() {
		t.Run(p.name, func(t *testing.T) { p.check(t, open(t)) })
	}
	t.Run("it behaves as the backend in memory does", func(t *testing.T) { compare(t, open) })
}

// A promise is one sentence of store.KV with the check that it holds.
type promise struct {
	name  string
	check func(testing.TB, store.KV)
}

func promises() []promise {
	var all []promise
	for _, list := range [][]promise{rowPromises(), indexPromises(), markPromises(), countPromises(), blobPromises(), lifePromises()} {
		all = append(all, list...)
	}
	return all
}
