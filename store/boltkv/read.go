package boltkv

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"slices"

	"go.etcd.io/bbolt"

	"webex-tokend/store"
)

const defaultLimit = 1000

// Get reads one row, as it is on the disk. One that stands on a damaged page
// comes without a value, as the damaged record that it is: the others go on.
func (k *KV) Get(ctx context.Context, name string) (r store.Row, err error) {
	own := func(f *flight) bool { return f.carries(subject{name: name}) }
	err = k.readDurable(ctx, own, func(tx *bbolt.Tx) error {
		b := tx.Bucket([]byte(rowsBucket)).Get([]byte(name))
		if b == nil {
			return store.ErrNotFound
		}
		r = rowOf(name, b)
		return nil
	})
	if errors.Is(err, store.ErrDamaged) && k.open() {
		return store.Row{Name: name}, nil
	}
	return r, err
}

// Mark reads one mark, as it is on the disk.
func (k *KV) Mark(ctx context.Context, index store.Index, name string) (value []byte, err error) {
	own := func(f *flight) bool { return f.carries(subject{name: name}) }
	err = k.readDurable(ctx, own, func(tx *bbolt.Tx) error {
		value = nil
		if b := tx.Bucket([]byte(index)); b != nil {
			value = b.Get(markKey(name))
		}
		if value == nil {
			return store.ErrNotFound
		}
		if len(value) > maxValue {
			return store.ErrDamaged
		}
		value = append([]byte{}, value...)
		return nil
	})
	return value, err
}

func (k *KV) open() bool {
	k.mu.RLock()
	defer k.mu.RUnlock()
	return k.file.db != nil
}

// List reads rows in the order of their names, as they are on the disk; limit
// 0 means 1,000.
func (k *KV) List(ctx context.Context, after string, limit int) (list []store.Row, err error) {
	some := func(f *flight) bool {
		return slices.ContainsFunc(list, func(r store.Row) bool { return f.carries(subject{name: r.Name}) })
	}
	err = k.readDurable(ctx, some, func(tx *bbolt.Tx) error {
		list = nil
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

// Range reads the entries of one group. They may be ahead of the disk by the
// commit under way.
func (k *KV) Range(ctx context.Context, q store.Query) (list []store.Entry, err error) {
	group := appendGroup(nil, q.Group)
	after := appendKey(nil, q.Group, q.After.Rank, q.After.Name)
	_, err = k.read(ctx, func(tx *bbolt.Tx) error {
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
			if !ok || len(value) > maxValue {
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

// Blob reads one blob, as it is on the disk.
func (k *KV) Blob(ctx context.Context, key string) (blob store.Blob, err error) {
	own := func(f *flight) bool { return f.carries(subject{blob: true, name: key}) }
	err = k.readDurable(ctx, own, func(tx *bbolt.Tx) error {
		b := tx.Bucket([]byte(blobsBucket)).Get([]byte(key))
		if b == nil {
			return store.ErrNotFound
		}
		var ok bool
		if blob, ok = decodeBlob(b); !ok {
			return store.ErrDamaged
		}
		return nil
	})
	return blob, err
}

// readDurable reads again what a flight carried that then failed. f may run
// more than once; carried asks about what it read.
func (k *KV) readDurable(ctx context.Context, carried func(*flight) bool, f func(*bbolt.Tx) error) error {
	for {
		during, err := k.read(ctx, f)
		if !carried(during) {
			return err
		}
		if again, ended := during.settle(ctx); ended != nil || !again {
			return cmp.Or(ended, err)
		}
	}
}

// read runs f in a transaction of its own, as short as f, and returns the
// flight whose changes f may have seen. It looks for the flight before it lets
// go of mu: a failed one is not over until the file has been opened anew.
func (k *KV) read(ctx context.Context, f func(*bbolt.Tx) error) (during *flight, err error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	k.mu.RLock()
	defer k.mu.RUnlock()
	if k.file.db == nil {
		return nil, k.file.why
	}
	err = guarded(func() error { return k.file.db.View(f) })
	return k.flight.Load(), err
}
