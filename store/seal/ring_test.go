package seal_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"webex-tokend/store"
	"webex-tokend/store/boltkv"
	"webex-tokend/store/seal"
	"webex-tokend/store/storetest"
)

// A host is a store in memory with its key.
type host struct {
	kv   *storetest.Memory
	key  seal.Key
	ring *seal.Ring
	*store.Store
}

func newHost(t testing.TB) *host {
	h := &host{kv: new(storetest.Memory), key: seal.NewKey()}
	h.open(t)
	return h
}

func (h *host) open(t testing.TB) {
	t.Helper()
	var err error
	if h.ring, err = seal.Open(t.Context(), h.kv, h.key); err != nil {
		t.Fatal(err)
	}
	if h.Store, err = store.Open(t.Context(), h.kv, store.Config{Seal: h.ring}); err != nil {
		t.Fatal(err)
	}
}

// put stores a grant whose secrets are canaries.
func (h *host) put(t testing.TB, name string) {
	t.Helper()
	r := &store.Record{Name: name, Integration: "crm", Generation: 1,
		Token:        store.Token{Access: store.NewSecret("canary access " + name)},
		Refresh:      store.RefreshToken{Value: store.NewSecret("canary refresh " + name)},
		Fallbacks:    []store.RefreshToken{{Value: store.NewSecret("canary fallback " + name)}},
		CodeVerifier: store.NewSecret("canary verifier " + name),
	}
	revision, err := h.Put(t.Context(), store.Update{Record: r, Expect: store.Any})
	if err == nil {
		_, err = h.Claim(t.Context(), name, revision, store.Intent{Attempt: 7}, nil)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func (h *host) opens(ctx context.Context, name string) bool {
	got, err := h.Get(ctx, name)
	return err == nil && got.Refresh.Value.Reveal() == "canary refresh "+name
}

// replace overwrites the bytes of a row, as somebody with the file could.
func (h *host) replace(t testing.TB, name string, value []byte) {
	t.Helper()
	if _, err := h.kv.Swap(t.Context(), store.Change{Name: name, Expect: store.Any, Write: &store.Write{Value: value}}); err != nil {
		t.Fatal(err)
	}
}

func (h *host) row(t testing.TB, name string) []byte {
	t.Helper()
	row, err := h.kv.Get(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	return row.Value
}

func TestASealedStoreOpensAgainWithItsKey(t *testing.T) {
	h := newHost(t)
	h.put(t, "ops")
	print := h.Fingerprint(store.NewSecret("token"))
	h.open(t)
	if !h.opens(t.Context(), "ops") {
		t.Error("the record does not open")
	}
	if h.Fingerprint(store.NewSecret("token")) != print {
		t.Error("the key of the fingerprints is another one")
	}
	open, err := h.Intents(t.Context(), "", 10)
	if err != nil || len(open) != 1 || open[0].Attempt != 7 {
		t.Errorf("intents %+v and %v", open, err)
	}
}

func TestNoSecretStandsInTheBackend(t *testing.T) {
	bare := &host{kv: new(storetest.Memory)}
	var err error
	if bare.Store, err = store.Open(t.Context(), bare.kv, store.Config{}); err != nil {
		t.Fatal(err)
	}
	bare.put(t, "ops")
	if !bytes.Contains(bare.row(t, "ops"), []byte("canary")) {
		t.Fatal("the search finds nothing even without a seal")
	}
	h := newHost(t)
	h.put(t, "ops")
	if bytes.Contains(h.row(t, "ops"), []byte("canary")) {
		t.Error("the row shows a secret")
	}
	identity, err := h.kv.Blob(t.Context(), store.IdentityBlob)
	if err != nil || len(identity.Value) != 32+seal.Overhead {
		t.Errorf("identity of %d bytes and %v", len(identity.Value), err)
	}
	slots, err := h.kv.Blob(t.Context(), "key slots")
	if err != nil || bytes.Contains(slots.Value, []byte(h.key.Text().Reveal()[18:26])) {
		t.Errorf("the key slots show the key, or %v", err)
	}
}

func TestAnotherKeyIsRefusedAndChangesNothing(t *testing.T) {
	h := newHost(t)
	h.put(t, "ops")
	before, _ := h.kv.Blob(t.Context(), "key slots")
	if _, err := seal.Open(t.Context(), h.kv, seal.NewKey()); !errors.Is(err, seal.ErrWrongKey) {
		t.Errorf("another key: %v", err)
	}
	if after, _ := h.kv.Blob(t.Context(), "key slots"); after.Revision != before.Revision {
		t.Error("the key slots were written")
	}
}

func TestDamagedAndNewerKeySlotsAreToldApart(t *testing.T) {
	for _, c := range []struct {
		name string
		harm func(string) string
		want error
	}{
		{"of a newer format", func(s string) string { return `{"format":2,"slots":"elsewhere"}` }, store.ErrNewerFormat},
		{"cut short", func(s string) string { return s[:len(s)/2] }, seal.ErrDamagedSlots},
		{"empty", func(string) string { return "" }, seal.ErrDamagedSlots},
		{"of another store", func(s string) string { return strings.Replace(s, `"store":"`, `"store":"00`, 1) }, seal.ErrDamagedSlots},
		{"with another keyset", func(s string) string {
			before, after, _ := strings.Cut(s, `"keyset":"`)
			return before + `"keyset":"AAAA` + after[4:]
		}, seal.ErrDamagedSlots},
	} {
		h := newHost(t)
		blob, err := h.kv.Blob(t.Context(), "key slots")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := h.kv.SwapBlob(t.Context(), "key slots", blob.Revision, []byte(c.harm(string(blob.Value)))); err != nil {
			t.Fatal(err)
		}
		if _, err := seal.Open(t.Context(), h.kv, h.key); !errors.Is(err, c.want) {
			t.Errorf("slots %s: %v", c.name, err)
		}
	}
}

func TestAStoreThatLostItsKeySlotsIsNotTakenForANewOne(t *testing.T) {
	h := newHost(t)
	h.put(t, "ops")
	rows := new(storetest.Memory)
	if _, err := rows.Swap(t.Context(), store.Change{Name: "ops", Write: &store.Write{Value: h.row(t, "ops")}}); err != nil {
		t.Fatal(err)
	}
	if _, err := seal.Open(t.Context(), rows, h.key); !errors.Is(err, seal.ErrDamagedSlots) {
		t.Errorf("rows without slots: %v", err)
	}
}

func TestAStoreThatNobodySealedIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	write := func(name string) {
		t.Helper()
		kv, err := boltkv.Open(configOf(path))
		if err != nil {
			t.Fatal(err)
		}
		bare, err := store.Open(t.Context(), kv, store.Config{})
		if err == nil && name != "" {
			_, err = bare.Put(t.Context(), store.Update{Record: &store.Record{Name: name, Integration: "crm"}, Expect: store.Absent})
		}
		if err := errors.Join(err, kv.Close()); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"", "ops"} { // without a record, and with one
		write(name)
		before, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		kv, err := boltkv.Open(configOf(path))
		if err != nil {
			t.Fatal(err)
		}
		_, err = seal.Open(t.Context(), kv, seal.NewKey())
		if err := kv.Close(); err != nil {
			t.Fatal(err)
		}
		if !errors.Is(err, seal.ErrUnsealed) {
			t.Errorf("with record %q: %v", name, err)
		}
		if after, err := os.ReadFile(path); err != nil || !bytes.Equal(after, before) {
			t.Errorf("with record %q: the file was changed, or %v", name, err)
		}
	}
}

func TestWhatWasMovedOrChangedOpensNowhere(t *testing.T) {
	h, other := newHost(t), newHost(t)
	other.key = h.key // the same wrapping key on another host
	for _, name := range []string{"a", "b", "c", "d", "e", "untouched"} {
		h.put(t, name)
		other.put(t, name)
	}
	a, b := h.row(t, "a"), h.row(t, "b")
	h.replace(t, "a", b)
	h.replace(t, "b", a)
	h.replace(t, "c", other.row(t, "c"))
	flipped := h.row(t, "d")
	flipped[len(flipped)/2] ^= 1
	h.replace(t, "d", flipped)
	identity, err := h.kv.Blob(t.Context(), store.IdentityBlob)
	if err != nil {
		t.Fatal(err)
	}
	h.replace(t, "e", identity.Value)

	for _, name := range []string{"a", "b", "c", "d", "e"} {
		_, err := h.Get(t.Context(), name)
		if _, damaged := errors.AsType[*store.DamagedError](err); !damaged {
			t.Errorf("%s: %v", name, err)
		}
	}
	if !h.opens(t.Context(), "untouched") || !other.opens(t.Context(), "c") {
		t.Error("a record that nobody touched does not open")
	}
	h.replace(t, "a", a) // back in its place
	if !h.opens(t.Context(), "a") {
		t.Error("the record does not open in its own place: the test proves nothing")
	}
}

func TestAValueOpensInThePlaceThatItWasSealedForOnly(t *testing.T) {
	h := newHost(t)
	places := []string{"record/a", "record/b", "record/ab", "intent/a", "identity", ""}
	for _, place := range places {
		sealed, err := h.ring.Seal(place, []byte("content"))
		if err != nil {
			t.Fatal(err)
		}
		for _, other := range places {
			if _, err := h.ring.Open(other, sealed); (err == nil) != (other == place) {
				t.Errorf("sealed for %q, opened as %q: %v", place, other, err)
			}
		}
	}
}

func TestAnUnsealedRecordIsNotTakenBySealedStores(t *testing.T) {
	bare, h := &host{kv: new(storetest.Memory)}, newHost(t)
	var err error
	if bare.Store, err = store.Open(t.Context(), bare.kv, store.Config{}); err != nil {
		t.Fatal(err)
	}
	bare.put(t, "ops")
	h.replace(t, "ops", bare.row(t, "ops"))
	if _, err := h.Get(t.Context(), "ops"); err == nil {
		t.Error("a record that nobody sealed was believed")
	}
}

func TestEveryFlippedBitIsNoticed(t *testing.T) {
	h := newHost(t)
	sealed, err := h.ring.Seal("record/ops", []byte("content"))
	if err != nil {
		t.Fatal(err)
	}
	for bit := range len(sealed) * 8 {
		flipped := bytes.Clone(sealed)
		flipped[bit/8] ^= 1 << (bit % 8)
		if plain, err := h.ring.Open("record/ops", flipped); err == nil {
			t.Fatalf("bit %d flipped: it opens as %q", bit, plain)
		}
	}
	if plain, err := h.ring.Open("record/ops", sealed); err != nil || string(plain) != "content" {
		t.Errorf("untouched: %q and %v", plain, err)
	}
}

func TestARingPrintsNoKey(t *testing.T) {
	h := newHost(t)
	text := fmt.Sprintf("%v %+v %#v %v %+v", h.key, h.key, h.key, h.ring, h.ring)
	if raw := h.key.Text().Reveal(); strings.Contains(text, raw[18:26]) {
		t.Errorf("printed: %s", text)
	}
}

func FuzzOpen(f *testing.F) {
	h := newHost(f)
	sealed, err := h.ring.Seal("record/ops", []byte("content"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add("record/ops", sealed)
	f.Add("record/ops", sealed[:10])
	f.Add("", []byte("S"))
	f.Fuzz(func(t *testing.T, place string, value []byte) {
		plain, err := h.ring.Open(place, value)
		if err == nil && (place != "record/ops" || !bytes.Equal(value, sealed)) {
			t.Errorf("%q opens at %q as %q", value, place, plain)
		}
	})
}
