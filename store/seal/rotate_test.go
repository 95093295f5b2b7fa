package seal_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"webex-tokend/store"
	"webex-tokend/store/seal"
)

const rotated = 1000 // grants

func rotateAsChild(path, keyFile string) error {
	ctx := context.Background()
	h, kv, err := openFile(ctx, path, keyFile)
	if err != nil {
		return err
	}
	fmt.Println("begins")
	if err := h.ring.Renew(ctx); err != nil {
		return err
	}
	return errors.Join(h.ring.Retire(ctx, h.Store, nil), kv.Close())
}

// keyIDs are the IDs of the keys that sealed the records, as the backend has
// them.
func (h *host) keyIDs(t *testing.T) map[string]bool {
	t.Helper()
	rows, err := h.kv.List(t.Context(), "", 0)
	if err != nil {
		t.Fatal(err)
	}
	ids := make(map[string]bool)
	for _, row := range rows {
		ids[string(row.Value[2:6])] = true
	}
	return ids
}

func TestAfterARotationNothingNeedsTheOldKey(t *testing.T) {
	h := newHost(t)
	for i := range 600 {
		h.put(t, nameOf(i))
	}
	old := h.row(t, nameOf(0))
	if err := h.ring.Renew(t.Context()); err != nil {
		t.Fatal(err)
	}
	h.put(t, "new")
	if !h.ring.Rotating() || len(h.keyIDs(t)) != 2 || !h.opens(t.Context(), "new") || !h.opens(t.Context(), nameOf(3)) {
		t.Fatal("old and new do not stand side by side")
	}
	var seen []int
	if err := h.ring.Retire(t.Context(), h.Store, func(done int) { seen = append(seen, done) }); err != nil {
		t.Fatal(err)
	}
	if len(seen) != 3 || seen[2] != 601 {
		t.Errorf("progress %v", seen)
	}
	if h.ring.Rotating() || len(h.keyIDs(t)) != 1 {
		t.Error("the old key is still there")
	}
	h.open(t)
	for i := range 600 {
		if !h.opens(t.Context(), nameOf(i)) {
			t.Fatalf("%s does not open", nameOf(i))
		}
	}
	if open, err := h.Intents(t.Context(), "", 1000); err != nil || len(open) != 601 || open[0].Attempt != 7 {
		t.Errorf("%d intents and %v", len(open), err)
	}
	h.replace(t, nameOf(0), old)
	if h.opens(t.Context(), nameOf(0)) {
		t.Error("what the old key sealed still opens")
	}
}

func TestARecordThatDoesNotOpenKeepsTheOldKeys(t *testing.T) {
	h := newHost(t)
	h.put(t, "a")
	h.put(t, "b")
	broken := h.row(t, "b")
	whole := bytes.Clone(broken)
	broken[len(broken)-1] ^= 1
	h.replace(t, "b", broken)
	if err := h.ring.Renew(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := h.ring.Retire(t.Context(), h.Store, nil); !errors.Is(err, seal.ErrKept) || !h.ring.Rotating() {
		t.Fatalf("Retire: %v", err)
	}
	h.replace(t, "b", whole)
	if err := h.ring.Retire(t.Context(), h.Store, nil); err != nil || h.ring.Rotating() {
		t.Errorf("once it opens again: %v", err)
	}
	if !h.opens(t.Context(), "a") || !h.opens(t.Context(), "b") {
		t.Error("a record does not open")
	}
}

func TestRecordsChangeWhileKeysRotate(t *testing.T) {
	h := newHost(t)
	for i := range 50 {
		h.put(t, nameOf(i))
	}
	ctx, stop := context.WithCancel(t.Context())
	var writers sync.WaitGroup
	for w := range 4 {
		writers.Go(func() {
			for ctx.Err() == nil {
				name := nameOf(w*10 + rand.IntN(10))
				got, err := h.Get(context.Background(), name)
				if err != nil {
					t.Errorf("%s: %v", name, err)
					return
				}
				got.Generation++
				_, err = h.Put(context.Background(), store.Update{Record: got.Record, Expect: got.Revision})
				if err != nil && !errors.Is(err, store.ErrConflict) {
					t.Errorf("%s: %v", name, err)
					return
				}
			}
		})
	}
	for range 20 {
		if err := h.ring.Renew(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := h.ring.Retire(t.Context(), h.Store, nil); err != nil {
			t.Fatal(err)
		}
	}
	stop()
	writers.Wait()
	for i := range 50 {
		if !h.opens(t.Context(), nameOf(i)) {
			t.Errorf("%s does not open", nameOf(i))
		}
	}
}

func TestASecondKeyOpensTheStoreToo(t *testing.T) {
	h := newHost(t)
	h.put(t, "ops")
	recovery, err := h.ring.AddKey(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	// A rotation by either needs the other for nothing.
	if err := errors.Join(h.ring.Renew(t.Context()), h.ring.Retire(t.Context(), h.Store, nil)); err != nil {
		t.Fatal(err)
	}
	for _, key := range []seal.Key{recovery, h.key} {
		h.key = key
		h.open(t)
		if !h.opens(t.Context(), "ops") {
			t.Errorf("key %s does not open the record", key.ID())
		}
	}
}

func TestKillingTheRotationLosesNothing(t *testing.T) {
	// A rotation that ends before the first kill comes proves nothing.
	for range 10 {
		if kills := killRotation(t); kills > 0 {
			t.Logf("killed %d times", kills)
			return
		}
	}
	t.Error("the rotation was never interrupted: the harness proves nothing")
}

// killRotation kills the rotation of a new store again and again until it comes
// to its end, and returns how often.
func killRotation(t *testing.T) (kills int) {
	t.Helper()
	path, keyFile, prints := sealedStore(t, rotated)
	for after := time.Duration(0); !diesAt(t, after, "rotate", path, keyFile); after = after*3/2 + rand.N(5*time.Millisecond) {
		kills++
		if kills%5 != 1 {
			continue
		}
		h, kv, err := openFile(t.Context(), path, keyFile)
		if err != nil {
			t.Fatal(err)
		}
		complete(t, h, kv, rotated, prints)
		kv.Close()
	}
	h, kv, err := openFile(t.Context(), path, keyFile)
	if err != nil {
		t.Fatal(err)
	}
	defer kv.Close()
	if h.ring.Rotating() {
		t.Error("the rotation has not ended")
	}
	complete(t, h, kv, rotated, prints)
	return kills
}
