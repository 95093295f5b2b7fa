package seal_test

import (
	"encoding/json"
	"errors"
	"testing"
	"time"

	"webex-tokend/store"
	"webex-tokend/store/seal"
	"webex-tokend/store/storetest"
)

// opensWith tells how the store opens with another key.
func opensWith(t *testing.T, kv store.KV, key seal.Key) error {
	t.Helper()
	_, err := seal.Open(t.Context(), kv, key)
	return err
}

func (h *host) slots(t *testing.T) []seal.Slot {
	t.Helper()
	list, err := h.ring.Slots(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func TestTheSlotsTellWhatOpensTheStore(t *testing.T) {
	h := newHost(t)
	begin := time.Now().UTC().Truncate(time.Second)
	recovery, err := h.ring.AddKey(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	list := h.slots(t)
	if len(list) != 2 {
		t.Fatalf("%d slots", len(list))
	}
	first, second := list[0], list[1]
	if first.Key != h.key.ID() || first.Kind != seal.FirstSlot || !first.Own {
		t.Errorf("the first slot is %+v", first)
	}
	if second.Key != recovery.ID() || second.Kind != seal.RecoverySlot || second.Own || second.Made.Before(begin) {
		t.Errorf("the second slot is %+v", second)
	}
	h.key = recovery
	h.open(t)
	if list = h.slots(t); list[0].Own || !list[1].Own {
		t.Errorf("opened by the second key, the slots are %+v", list)
	}
}

func TestAForgottenKeyOpensTheStoreNoMore(t *testing.T) {
	h := newHost(t)
	h.put(t, "ops")
	lost, err := h.ring.AddKey(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := opensWith(t, h.kv, lost); err != nil {
		t.Fatalf("before, the key opens nothing either: %v", err)
	}
	if err := h.ring.Forget(t.Context(), lost.ID()); err != nil {
		t.Fatal(err)
	}
	if err := opensWith(t, h.kv, lost); !errors.Is(err, seal.ErrWrongKey) {
		t.Errorf("the forgotten key: %v", err)
	}
	if err := h.ring.Forget(t.Context(), lost.ID()); !errors.Is(err, seal.ErrNoSlot) {
		t.Errorf("forgotten twice: %v", err)
	}
	if !h.opens(t.Context(), "ops") {
		t.Error("the open store does not go on")
	}
	h.open(t)
	if !h.opens(t.Context(), "ops") {
		t.Error("the own key does not open the store anew")
	}
}

func TestTheKeyInUseIsNotForgotten(t *testing.T) {
	h := newHost(t)
	if err := h.ring.Forget(t.Context(), h.key.ID()); !errors.Is(err, seal.ErrOwnSlot) {
		t.Errorf("the only key: %v", err)
	}
	if _, err := h.ring.AddKey(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := h.ring.Forget(t.Context(), h.key.ID()); !errors.Is(err, seal.ErrOwnSlot) {
		t.Errorf("the own key of two: %v", err)
	}
	h.open(t)
}

func TestASlotThatWasForgottenMakesRoom(t *testing.T) {
	h := newHost(t)
	var last seal.Key
	for {
		key, err := h.ring.AddKey(t.Context())
		if errors.Is(err, seal.ErrManyKeys) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		last = key
	}
	if n := len(h.slots(t)); n != 16 {
		t.Fatalf("full with %d keys", n)
	}
	if err := h.ring.Forget(t.Context(), last.ID()); err != nil {
		t.Fatal(err)
	}
	if _, err := h.ring.AddKey(t.Context()); err != nil {
		t.Error(err)
	}
}

// Whoever has a key and an older copy of the store has the master key of that
// copy. Put into a later store, the old slots show whether that still opens it.
func TestAnOldCopyWithAForgottenKeyDoesNotOpenLaterStores(t *testing.T) {
	for _, c := range []struct {
		name   string
		others int // keys besides the own one and the forgotten one
		opens  bool
	}{
		{"once the own key is the last, the master key is another one", 0, false},
		{"while another key is left, the master key has to stay", 1, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := newHost(t)
			stolen, err := h.ring.AddKey(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			for range c.others {
				if _, err := h.ring.AddKey(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			old := h.slotsBlob(t)
			if err := h.ring.Forget(t.Context(), stolen.ID()); err != nil {
				t.Fatal(err)
			}
			if err := errors.Join(h.ring.Renew(t.Context()), h.ring.Retire(t.Context(), h.Store, nil)); err != nil {
				t.Fatal(err)
			}
			later := new(storetest.Memory)
			if _, err := later.SwapBlob(t.Context(), "key slots", store.Absent, withKeysetOf(t, old, h.slotsBlob(t))); err != nil {
				t.Fatal(err)
			}
			err = opensWith(t, later, stolen)
			if opens := err == nil; opens != c.opens {
				t.Errorf("with the old slots: %v", err)
			}
		})
	}
}

func TestSlotsOfEarlierBuildsAreListedAndForgotten(t *testing.T) {
	h := newHost(t)
	second, err := h.ring.AddKey(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	h.stripSlots(t)
	list := h.slots(t)
	if !list[1].Made.IsZero() || list[1].Kind != "" {
		t.Fatalf("nothing was stripped: %+v", list)
	}
	if err := h.ring.Forget(t.Context(), second.ID()); err != nil {
		t.Error(err)
	}
	h.open(t)
}

func (h *host) slotsBlob(t *testing.T) []byte {
	t.Helper()
	blob, err := h.kv.Blob(t.Context(), "key slots")
	if err != nil {
		t.Fatal(err)
	}
	return blob.Value
}

// withKeysetOf puts the keyset of one blob into another.
func withKeysetOf(t *testing.T, slots, other []byte) []byte {
	t.Helper()
	var is, has map[string]json.RawMessage
	if err := errors.Join(json.Unmarshal(slots, &is), json.Unmarshal(other, &has)); err != nil {
		t.Fatal(err)
	}
	is["keyset"] = has["keyset"]
	b, err := json.Marshal(is)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// stripSlots leaves what the first build that seals wrote.
func (h *host) stripSlots(t *testing.T) {
	t.Helper()
	var is map[string]any
	if err := json.Unmarshal(h.slotsBlob(t), &is); err != nil {
		t.Fatal(err)
	}
	for _, slot := range is["slots"].([]any) {
		delete(slot.(map[string]any), "made")
		delete(slot.(map[string]any), "kind")
	}
	b, err := json.Marshal(is)
	if err == nil {
		_, err = h.kv.SwapBlob(t.Context(), "key slots", store.Any, b)
	}
	if err != nil {
		t.Fatal(err)
	}
}
