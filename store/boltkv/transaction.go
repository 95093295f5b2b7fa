package boltkv

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"

	"go.etcd.io/bbolt"

	"webex-tokend/store"
)

// A transaction applies operations one after the other, each to what those
// before it left. An operation looks at everything that it expects before it
// writes anything, so that a conflict leaves nothing behind.
type transaction struct {
	tx      *bbolt.Tx
	rows    *bbolt.Bucket
	blobs   *bbolt.Bucket
	indexes map[store.Index]*bbolt.Bucket
	steps   []step // what it did to the counts
	dirty   bool
}

func begin(db *bbolt.DB) (*transaction, error) {
	tx, err := db.Begin(true)
	if err != nil {
		return nil, err
	}
	return &transaction{tx: tx}, nil
}

// apply runs a group. An error other than a conflict ends it; nothing has been
// written then.
func (t *transaction) apply(group []*operation) error {
	t.rows = t.tx.Bucket([]byte(rowsBucket))
	t.blobs = t.tx.Bucket([]byte(blobsBucket))
	t.indexes = make(map[store.Index]*bbolt.Bucket)
	for _, index := range indexes() {
		t.indexes[index] = t.tx.Bucket([]byte(index))
	}
	for _, o := range group {
		o.revision, o.err = o.apply(t)
		if o.err != nil && o.err != store.ErrConflict {
			return o.err
		}
	}
	return nil
}

// maxText bounds names and groups, so that a key of both fits into bbolt.
const maxText = bbolt.MaxKeySize / 4

// validate finds changes that no backend can apply. They are faults of the
// program, not of its data.
func validate(c store.Change) error {
	if c.Name == "" {
		return errors.New("change without a name")
	}
	if c.Write != nil && c.Delete {
		return fmt.Errorf("change of %s both writes and deletes", c.Name)
	}
	if len(c.Name) > maxText {
		return errors.New("change with a name that is too long")
	}
	if c.Write != nil {
		if len(c.Write.Value) > maxValue {
			return fmt.Errorf("change of %s has a value that is too long", c.Name)
		}
		for _, e := range c.Write.Entries {
			if e.Name != c.Name || e.Index != store.DueIndex && e.Index != store.AttentionIndex {
				return fmt.Errorf("change of %s has an entry that is not its own", c.Name)
			}
			if strings.IndexByte(e.Group, 0) >= 0 || len(e.Group) > maxText {
				return fmt.Errorf("change of %s has a group that cannot be", c.Name)
			}
		}
	}
	for _, m := range c.Marks {
		if m.Index != store.OpenIndex && m.Index != store.UnpublishedIndex {
			return fmt.Errorf("change of %s has a mark in index %s", c.Name, m.Index)
		}
		if m.Vacant && m.If != nil {
			return fmt.Errorf("change of %s wants a mark both vacant and of a value", c.Name)
		}
	}
	return nil
}

func (t *transaction) swap(c store.Change) (store.Revision, error) {
	name := []byte(c.Name)
	stored := t.rows.Get(name)
	old := decodeRow(stored)
	if !expected(c.Expect, stored != nil, old.revision) {
		return 0, store.ErrConflict
	}
	for _, m := range c.Marks {
		v := t.indexes[m.Index].Get(markKey(c.Name))
		if m.Vacant && v != nil || m.If != nil && (v == nil || !bytes.Equal(v, m.If)) {
			return 0, store.ErrConflict
		}
	}

	revision := old.revision
	var err error
	switch {
	case c.Write != nil:
		revision, err = t.write(name, old, c.Write)
	case c.Delete:
		revision, err = store.Absent, t.delete(name, old)
	}
	if err != nil {
		return 0, err
	}
	for _, m := range c.Marks {
		if err := t.mark(m, c.Name); err != nil {
			return 0, err
		}
	}
	return revision, nil
}

func (t *transaction) mark(m store.Mark, name string) error {
	if m.Value == nil {
		return t.remove(m.Index, markKey(name))
	}
	return t.put(m.Index, markKey(name), m.Value)
}

func expected(expect store.Revision, exists bool, revision store.Revision) bool {
	switch expect {
	case store.Any:
		return true
	case store.Absent:
		return !exists
	}
	return exists && expect == revision
}

func markKey(name string) []byte { return appendKey(nil, "", 0, name) }

func (t *transaction) write(name []byte, old row, w *store.Write) (store.Revision, error) {
	sequence, err := t.rows.NextSequence()
	if err != nil {
		return 0, err
	}
	revision := store.Revision(sequence)
	return revision, t.writeAs(name, old, w, revision)
}

func (t *transaction) writeAs(name []byte, old row, w *store.Write, revision store.Revision) error {
	keep := make([][]byte, len(w.Entries))
	for i, e := range w.Entries {
		keep[i] = keyOf(e)
	}
	for index, key := range old.each() {
		if stays(index, key, w.Entries, keep) {
			continue
		}
		if err := t.remove(index, key); err != nil {
			return err
		}
	}
	for i, e := range w.Entries {
		if err := t.put(e.Index, keep[i], e.Value); err != nil {
			return err
		}
	}
	t.dirty = true
	return t.rows.Put(name, encodeRow(revision, w))
}

func stays(index store.Index, key []byte, entries []store.Entry, keys [][]byte) bool {
	for i, e := range entries {
		if e.Index == index && bytes.Equal(keys[i], key) {
			return true
		}
	}
	return false
}

func (t *transaction) delete(name []byte, old row) error {
	for index, key := range old.each() {
		if err := t.remove(index, key); err != nil {
			return err
		}
	}
	for _, index := range []store.Index{store.OpenIndex, store.UnpublishedIndex} {
		if err := t.remove(index, markKey(string(name))); err != nil {
			return err
		}
	}
	t.dirty = true
	return t.rows.Delete(name)
}

// put sets an entry, unless it stands there already. bbolt keeps the key and
// value it is given until the commit, and the caller may be gone by then:
// hence the copy.
func (t *transaction) put(index store.Index, key, value []byte) error {
	b := t.indexes[index]
	old := b.Get(key)
	if old != nil && bytes.Equal(old, value) {
		return nil
	}
	if old == nil {
		t.steps = append(t.steps, step{index, key, +1})
	}
	t.dirty = true
	return b.Put(key, bytes.Clone(value))
}

func (t *transaction) remove(index store.Index, key []byte) error {
	b := t.indexes[index]
	if b.Get(key) == nil {
		return nil
	}
	t.steps = append(t.steps, step{index, bytes.Clone(key), -1})
	t.dirty = true
	return b.Delete(key)
}

func (t *transaction) swapBlob(key string, expect store.Revision, value []byte) (store.Revision, error) {
	stored := t.blobs.Get([]byte(key))
	old, _ := decodeBlob(stored)
	if !expected(expect, stored != nil, old.Revision) {
		return 0, store.ErrConflict
	}
	sequence, err := t.blobs.NextSequence()
	if err != nil {
		return 0, err
	}
	t.dirty = true
	revision := store.Revision(sequence)
	return revision, t.blobs.Put([]byte(key), encodeBlob(revision, value))
}

func encodeBlob(revision store.Revision, value []byte) []byte {
	b := binary.BigEndian.AppendUint64(make([]byte, 0, 8+len(value)), uint64(revision))
	return append(b, value...)
}

func decodeBlob(b []byte) (store.Blob, bool) {
	if len(b) < 8 || len(b) > 8+maxValue {
		return store.Blob{}, false
	}
	return store.Blob{Revision: store.Revision(binary.BigEndian.Uint64(b)), Value: bytes.Clone(b[8:])}, true
}
