package store_test

import (
	"path/filepath"
	"slices"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"webex-tokend/store"
	"webex-tokend/store/boltkv"
)

func TestTheAuditPutsAGrantBackOnTheSchedule(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	open := func() (*boltkv.KV, *store.Store) {
		kv, err := boltkv.Open(boltkv.Config{Path: path})
		if err != nil {
			t.Fatal(err)
		}
		s, err := store.Open(t.Context(), kv, store.Config{})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { s.Close() })
		return kv, s
	}
	_, s := open()
	for i, name := range []string{"a", "b", "c", "d", "e"} {
		put(t, s, grant(name, i), store.Absent)
	}
	s.Close()
	// The entry of "a" is lost, the record of "d" is damaged.
	db, err := bbolt.Open(path, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	err = db.Update(func(tx *bbolt.Tx) error {
		key, _ := tx.Bucket([]byte("due")).Cursor().First()
		if err := tx.Bucket([]byte("due")).Delete(key); err != nil {
			return err
		}
		rows := tx.Bucket([]byte("rows"))
		damaged := slices.Clone(rows.Get([]byte("d")))
		damaged[len(damaged)-1] ^= 0xff
		return rows.Put([]byte("d"), damaged[:len(damaged)-1])
	})
	if err != nil {
		t.Fatal(err)
	}
	db.Close()

	kv, s := open()
	due := func() int {
		list, err := s.Due(t.Context(), "crm", at.Add(time.Hour), nil, 10)
		if err != nil {
			t.Fatal(err)
		}
		return len(list)
	}
	if n := due(); n != 4 {
		t.Fatalf("%d are due before the audit", n)
	}
	var all store.Audited
	for after, pages := "", 0; ; pages++ {
		page, err := s.Audit(t.Context(), kv, after, 2)
		if err != nil {
			t.Fatal(err)
		}
		if page.Last == "" {
			if pages != 3 {
				t.Errorf("%d pages", pages)
			}
			break
		}
		after = page.Last
		all.Repaired = append(all.Repaired, page.Repaired...)
		all.Damaged = append(all.Damaged, page.Damaged...)
	}
	if !slices.Equal(all.Repaired, []string{"a"}) || !slices.Equal(all.Damaged, []string{"d"}) || due() != 5 {
		t.Errorf("repaired %q, damaged %q, %d are due", all.Repaired, all.Damaged, due())
	}
}
