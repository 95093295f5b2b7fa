package storetest

import (
	"testing"

	"webex-tokend/store"
)

func TestMemoryKeepsEveryPromise(t *testing.T) {
	Run(t, func(testing.TB) store.KV { return new(Memory) })
}
