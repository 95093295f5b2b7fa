package boltkv

import (
	"bytes"
	"context"

	"go.etcd.io/bbolt"

	"webex-tokend/store"
)

const defaultLimit = 1000

// Get reads one row.
func (k *KV) Get(ctx context.Context, name string) (r store.Row, err error) {
	err = k.read(ctx, func(tx *bbolt.Tx) error {
		b := tx.Bucket([]byte(rowsBucket)).Get([]byte(name))
		if b == nil {
			return store.ErrNotFound
		}
		r = rowOf(name, b)
		return nil
	})
	return r, err
}

// List reads rows in the order of their names; limit 0 means 1,000.
func (k *KV) List(ctx context.Context, after string, limit int) (list []store.Row, err error) {
	err = k.read(ctx, func(tx *bbolt.Tx) error {
		c := tx.Bucket([]byte(rowsBucket)).Cursor()
		name, b := c.Seek([]byte(after))
		if string(name) == after {
			name, b = c.Next()
		}
		for n := bound(limit); name != nil && n > 0; n-- {
			list = append(list, rowOf(string(name), b))
			name, b = c.Next()
		}
		return nil
	})
	return list, err
}

func rowOf(name string, b []byte) store.Row {
	r := decodeRow(b)
	return store.Row{Name: name, Revision: r.revision, Value: bytes.Clone(r.value)}
}

// Range reads the entries of one group.
func (k *KV) Range(ctx context.Context, q store.Query) (list []store.Entry, err error) {
	group := appendGroup(nil, q.Group)
	after := appendKey(nil, q.Group, q.After.Rank, q.After.Name)
	err = k.read(ctx, func(tx *bbolt.Tx) error {
		b := tx.Bucket([]byte(q.Index))
		if b == nil {
			return nil
		}
		c := b.Cursor()
		key, value := c.Seek(after)
		if bytes.Equal(key, after) {
			key, value = c.Next()
		}
		for n := bound(q.Limit); n > 0; key, value = c.Next() {
			rest, mine := bytes.CutPrefix(key, group)
			if !mine {
				return nil
			}
			rank, name, ok := splitKey(rest)
			if !ok {
				continue
			}
			if q.Below > 0 && rank >= q.Below {
				return nil
			}
			list = append(list, store.Entry{Index: q.Index, Group: q.Group, Rank: rank, Name: string(name), Value: bytes.Clone(value)})
			n--
		}
		return nil
	})
	return list, err
}

func bound(limit int) int {
	if limit <= 0 {
		return defaultLimit
	}
	return limit
}

// Blob reads one blob.
func (k *KV) Blob(ctx context.Context, key string) (blob store.Blob, err error) {
	err = k.read(ctx, func(tx *bbolt.Tx) error {
		b := tx.Bucket([]byte(blobsBucket)).Get([]byte(key))
		if b == nil {
			return store.ErrNotFound
		}
		var ok bool
		if blob, ok = decodeBlob(b); !ok {
			return ErrDamaged
		}
		return nil
	})
	return blob, err
}

// read runs f in a transaction of its own, as short as f.
func (k *KV) read(ctx context.Context, f func(*bbolt.Tx) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	k.mu.RLock()
	defer k.mu.RUnlock()
	if k.file.db == nil {
		return k.file.why
	}
	return guarded(func() error { return k.file.db.View(f) })
}
