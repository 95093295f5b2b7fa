package seal_test

import (
	"os"
	"path/filepath"
	"testing"

	"webex-tokend/store"
	"webex-tokend/store/seal"
	"webex-tokend/store/storetest"
)

// A rotation on one host made another one see damage in what was sealed since.
func TestAKeyThatAnotherHostMadeIsFound(t *testing.T) {
	kv, key := new(storetest.Memory), seal.NewKey()
	rings := make([]*seal.Ring, 2)
	stores := make([]*store.Store, 2)
	for i := range rings {
		var err error
		if rings[i], err = seal.Open(t.Context(), kv, key); err == nil {
			stores[i], err = store.Open(t.Context(), kv, store.Config{Seal: rings[i]})
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	a, b := rings[0], rings[1]
	if err := a.Renew(t.Context()); err != nil {
		t.Fatal(err)
	}
	sealed, err := a.Seal("record/ops", []byte("fresh"))
	if err != nil {
		t.Fatal(err)
	}
	if plain, err := b.Open("record/ops", sealed); err != nil || string(plain) != "fresh" {
		t.Errorf("it opens as %q, %v", plain, err)
	}
	if a.Epoch() != b.Epoch() {
		t.Error("the other host still seals by the old key")
	}
	// What does not open by any key is damaged, and no reason to read the slots
	// for ever.
	sealed[len(sealed)-1] ^= 1
	if _, err := b.Open("record/ops", sealed); err == nil {
		t.Error("damage opens")
	}
}

func TestAHostThatJoinsOrWasAwayCastsNoDoubt(t *testing.T) {
	kv, key := new(storetest.Memory), seal.NewKey()
	ring, err := seal.Open(t.Context(), kv, key)
	if err != nil {
		t.Fatal(err)
	}
	host := func(name string) seal.Anchor {
		return seal.Anchor{Ring: ring, Path: filepath.Join(t.TempDir(), "anchor"), Machine: name, Shared: true}
	}
	sure := func(when string, a seal.Anchor, want bool) {
		t.Helper()
		if doubt, err := a.Doubt(t.Context()); err != nil || (doubt == "") != want {
			t.Errorf("%s: doubt %q, %v", when, doubt, err)
		}
	}
	a, b := host("a"), host("b")
	for range 3 {
		if err := a.Raise(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	sure("a host that is new", b, true)
	if err := b.Follow(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := a.Raise(t.Context()); err != nil {
		t.Fatal(err)
	}
	sure("a host that was away", b, true)
	old, err := kv.Blob(t.Context(), "anchor")
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Raise(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := b.Follow(t.Context()); err != nil {
		t.Fatal(err)
	}
	// The snapshot of yesterday.
	if _, err := kv.SwapBlob(t.Context(), "anchor", store.Any, old.Value); err != nil {
		t.Fatal(err)
	}
	sure("the host that raised it", a, false)
	sure("a host that followed", b, false)
	if err := os.Remove(b.Path); err != nil {
		t.Fatal(err)
	}
	sure("a host that has seen nothing", b, true)
}

// Of three hosts that were started on an empty store two ended.
func TestHostsThatFindTheStoreEmptyAtOnceOpenIt(t *testing.T) {
	for range 20 {
		kv, key := new(storetest.Memory), seal.NewKey()
		errs := make(chan error)
		for range 5 {
			go func() {
				ring, err := seal.Open(t.Context(), kv, key)
				if err == nil {
					_, err = store.Open(t.Context(), kv, store.Config{Seal: ring})
				}
				errs <- err
			}()
		}
		for range 5 {
			if err := <-errs; err != nil {
				t.Error(err)
			}
		}
	}
}
