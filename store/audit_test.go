package store_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"webex-tokend/store"
	"webex-tokend/store/boltkv"
)

// An audited store is one in a file that can be changed behind its back.
type audited struct {
	path string
	kv   *boltkv.KV
	*store.Store
}

func newAudited(t *testing.T, names ...string) *audited {
	a := &audited{path: filepath.Join(t.TempDir(), "store.db")}
	a.open(t)
	for i, name := range names {
		put(t, a.Store, grant(name, i), store.Absent)
	}
	return a
}

func (a *audited) open(t *testing.T) {
	t.Helper()
	var err error
	if a.kv, err = boltkv.Open(boltkv.Config{Path: a.path}); err != nil {
		t.Fatal(err)
	}
	if a.Store, err = store.Open(t.Context(), a.kv, store.Config{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { a.Store.Close() })
}

// change changes the file while nobody has it.
func (a *audited) change(t *testing.T, f func(tx *bbolt.Tx) error) {
	t.Helper()
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	db, err := bbolt.Open(a.path, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(db.Update(f), db.Close()); err != nil {
		t.Fatal(err)
	}
	a.open(t)
}

// damage makes the record of a grant one that does not decode, or whole again.
func (a *audited) damage(t *testing.T, name string) {
	t.Helper()
	a.change(t, func(tx *bbolt.Tx) error {
		b := bytes.Clone(tx.Bucket([]byte("rows")).Get([]byte(name)))
		i := bytes.Index(b, []byte("refresh of ")) - 2 // the number of its field
		b[i] ^= 0x07
		return tx.Bucket([]byte("rows")).Put([]byte(name), b)
	})
}

// audit goes through records and then entries, a few at a time.
func (a *audited) audit(t *testing.T) (all store.Audited, dropped []string) {
	t.Helper()
	for after := ""; ; {
		page, err := a.Audit(t.Context(), a.kv, after, 2)
		if err != nil {
			t.Fatal(err)
		}
		all.Repaired = append(all.Repaired, page.Repaired...)
		all.Damaged = append(all.Damaged, page.Damaged...)
		if after = page.Last; after == "" {
			break
		}
	}
	for after := (store.Spot{}); ; {
		strays, last, err := a.AuditEntries(t.Context(), a.kv, after, 3)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range strays {
			dropped = append(dropped, string(s.Index)+" "+s.Name)
		}
		if after = last; after == (store.Spot{}) {
			return all, dropped
		}
	}
}

// faults are what a check of the whole file finds.
func (a *audited) faults(t *testing.T) (faults []string) {
	t.Helper()
	if _, err := a.kv.Check(t.Context(), func(fault string) bool { faults = append(faults, fault); return true }); err != nil {
		t.Fatal(err)
	}
	return faults
}

func (a *audited) due(t *testing.T) (names []string) {
	t.Helper()
	list, err := a.Due(t.Context(), "crm", at.Add(time.Hour), nil, 10)
	if err != nil {
		t.Fatal(err)
	}
	for _, g := range list {
		names = append(names, g.Name)
	}
	return names
}

// states counts as an operator does, once the counting is through.
func (a *audited) states(t *testing.T) map[store.State]int {
	t.Helper()
	for {
		places, complete, err := a.Places(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if complete {
			states := make(map[store.State]int)
			for _, p := range places {
				states[p.State] += p.Grants
			}
			return states
		}
	}
}

func TestTheAuditPutsAGrantBackOnTheSchedule(t *testing.T) {
	a := newAudited(t, "a", "b", "c", "d", "e")
	a.change(t, func(tx *bbolt.Tx) error {
		key, _ := tx.Bucket([]byte("due")).Cursor().First()
		return tx.Bucket([]byte("due")).Delete(key)
	})
	if due := a.due(t); !slices.Equal(due, []string{"b", "c", "d", "e"}) {
		t.Fatalf("before the audit %v are due", due)
	}
	if found, dropped := a.audit(t); !slices.Equal(found.Repaired, []string{"a"}) || len(found.Damaged)+len(dropped) > 0 {
		t.Errorf("found %+v and %v", found, dropped)
	}
	if due := a.due(t); len(due) != 5 {
		t.Errorf("after the audit %v are due", due)
	}
	if found, _ := a.audit(t); len(found.Repaired) > 0 {
		t.Errorf("the second audit repairs %v", found.Repaired)
	}
}

func TestADamagedRecordIsFiledAsSuchUntilItOpensAgain(t *testing.T) {
	a := newAudited(t, "a", "b", "c")
	a.damage(t, "b")
	before, err := a.kv.Get(t.Context(), "b")
	if err != nil {
		t.Fatal(err)
	}
	if states := a.states(t); !maps.Equal(states, map[store.State]int{store.OK: 3}) {
		t.Fatalf("before the audit the states are %v", states)
	}
	for range 2 {
		found, dropped := a.audit(t)
		if !slices.Equal(found.Damaged, []string{"b"}) || len(found.Repaired)+len(dropped) > 0 {
			t.Errorf("found %+v and %v", found, dropped)
		}
		if states := a.states(t); !maps.Equal(states, map[store.State]int{store.OK: 2, store.Damaged: 1}) {
			t.Errorf("the states are %v", states)
		}
	}
	list, err := a.Attention(t.Context(), store.Place{Integration: "crm", State: store.Damaged}, nil, time.Time{}, 10)
	if err != nil || len(list) != 1 || list[0].Name != "b" || !list[0].At.IsZero() {
		t.Errorf("listed as damaged are %v, %v", list, err)
	}
	if due := a.due(t); !slices.Equal(due, []string{"a", "c"}) {
		t.Errorf("%v are due", due)
	}
	after, err := a.kv.Get(t.Context(), "b")
	if err != nil || !bytes.Equal(before.Value, after.Value) {
		t.Errorf("its bytes were touched, or %v", err)
	}

	a.damage(t, "b") // back to what it was
	if found, _ := a.audit(t); !slices.Equal(found.Repaired, []string{"b"}) || len(found.Damaged) > 0 {
		t.Errorf("once it opens again: %+v", found)
	}
	if states, due := a.states(t), a.due(t); !maps.Equal(states, map[store.State]int{store.OK: 3}) || len(due) != 3 {
		t.Errorf("the states are %v, due are %v", states, due)
	}
	if faults := a.faults(t); len(faults) > 0 {
		t.Errorf("the check finds %q", faults)
	}
}

func TestARecordOfANewerFormatStaysWhereItIsFiled(t *testing.T) {
	a := newAudited(t, "a", "b")
	a.change(t, func(tx *bbolt.Tx) error {
		b := bytes.Clone(tx.Bucket([]byte("rows")).Get([]byte("b")))
		b[bytes.Index(b, []byte("\x01\x0a\x01b"))] = 2 // the format, before the name
		return tx.Bucket([]byte("rows")).Put([]byte("b"), b)
	})
	if _, err := a.Get(t.Context(), "b"); !errors.Is(err, store.ErrNewerFormat) {
		t.Fatalf("it is not of a newer format: %v", err)
	}
	found, dropped := a.audit(t)
	if !slices.Equal(found.Damaged, []string{"b"}) || len(found.Repaired)+len(dropped) > 0 {
		t.Errorf("found %+v, dropped %v", found, dropped)
	}
	if states := a.states(t); !maps.Equal(states, map[store.State]int{store.OK: 2}) {
		t.Errorf("the states are %v", states)
	}
}

func TestTheAuditDropsEntriesOfNoRecord(t *testing.T) {
	a := newAudited(t, "a", "b", "c")
	if _, err := a.Claim(t.Context(), "a", store.Any, store.Intent{Attempt: 1}, nil); err != nil {
		t.Fatal(err)
	}
	a.change(t, func(tx *bbolt.Tx) error {
		// The rows of "a" and "b" are lost, and "c" has entries that it does not name.
		var failed error
		for _, name := range []string{"a", "b"} {
			failed = errors.Join(failed, tx.Bucket([]byte("rows")).Delete([]byte(name)))
		}
		for _, index := range []string{"due", "attention"} {
			failed = errors.Join(failed, tx.Bucket([]byte(index)).Put([]byte("crm/lost\x00\x00\x00\x00\x00\x00\x00\x00\x07c"), nil))
		}
		return errors.Join(failed, tx.Bucket([]byte("unpublished")).Put([]byte("\x00\x00\x00\x00\x00\x00\x00\x00\x00gone"), []byte{1}))
	})
	if faults := a.faults(t); len(faults) != 8 {
		t.Fatalf("before the audit the check finds %q", faults)
	}
	found, dropped := a.audit(t)
	want := []string{"due a", "due b", "due c", "attention a", "attention b", "attention c", "open a", "unpublished gone"}
	slices.Sort(dropped)
	slices.Sort(want)
	if !slices.Equal(dropped, want) || len(found.Repaired)+len(found.Damaged) > 0 {
		t.Errorf("dropped %q, found %+v", dropped, found)
	}
	if faults := a.faults(t); len(faults) > 0 {
		t.Errorf("after the audit the check finds %q", faults)
	}
	if states, due := a.states(t), a.due(t); !maps.Equal(states, map[store.State]int{store.OK: 1}) || !slices.Equal(due, []string{"c"}) {
		t.Errorf("the states are %v, due are %v", states, due)
	}
}

func TestARowWithADamagedHeaderKeepsItsBytesAndEntries(t *testing.T) {
	a := newAudited(t, "a", "b")
	torn := []byte{}
	a.change(t, func(tx *bbolt.Tx) error {
		torn = bytes.Clone(tx.Bucket([]byte("rows")).Get([]byte("b")))
		torn[8] = 0xff // the number of entries
		return tx.Bucket([]byte("rows")).Put([]byte("b"), torn)
	})
	found, dropped := a.audit(t)
	if !slices.Equal(found.Damaged, []string{"b"}) || len(dropped) > 0 {
		t.Errorf("found %+v, dropped %v", found, dropped)
	}
	a.change(t, func(tx *bbolt.Tx) error {
		if !bytes.Equal(tx.Bucket([]byte("rows")).Get([]byte("b")), torn) {
			t.Error("its bytes were touched")
		}
		return nil
	})
}

func TestTheAuditOfABusyStoreFindsNothing(t *testing.T) {
	a := newAudited(t)
	ctx, stop := context.WithCancel(t.Context())
	var writers sync.WaitGroup
	for w := range 4 {
		writers.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				r := grant(fmt.Sprintf("grant-%d-%d", w, n%5), n)
				if n%7 == 3 {
					r = &store.Record{Name: r.Name, Removed: true}
				}
				if _, err := a.Put(context.Background(), store.Update{Record: r, Expect: store.Any, Unpublished: true}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	for range 50 {
		if found, dropped := a.audit(t); len(found.Repaired)+len(found.Damaged)+len(dropped) > 0 {
			t.Errorf("found %+v and %v", found, dropped)
		}
	}
	stop()
	writers.Wait()
	if faults := a.faults(t); len(faults) > 0 {
		t.Errorf("the check finds %q", faults)
	}
}
