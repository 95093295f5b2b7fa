package boltkv

import (
	"bytes"
	"context"
	"errors"

	"go.etcd.io/bbolt"

	"webex-tokend/store"
)

// A copy of a store that several hosts share also has stamps, name -> stamp of the
// row, and "position" in meta. Its revisions are the engine's.
const (
	stampsBucket = "stamps"
	positionKey  = "position"
)

// Apply takes over what another engine has ordered, revisions and all, in one
// transaction with the position that the copy has then.
func (k *KV) Apply(ctx context.Context, b store.Batch, position []byte) error {
	_, err := k.submit(&operation{ctx: ctx, apply: func(t *transaction) (store.Revision, error) {
		stamps, err := t.tx.CreateBucketIfNotExists([]byte(stampsBucket))
		if err != nil {
			return 0, err
		}
		t.dirty = true
		for _, row := range b.Rows {
			if err := t.applyRow(stamps, row); err != nil {
				return 0, err
			}
		}
		for _, intent := range b.Intents {
			if err := t.mark(store.Mark{Index: store.OpenIndex, Value: intent.Value}, intent.Name); err != nil {
				return 0, err
			}
		}
		for _, blob := range b.Blobs {
			if err := t.applyBlob(blob); err != nil {
				return 0, err
			}
		}
		if position == nil {
			return 0, nil
		}
		return 0, t.tx.Bucket([]byte(metaBucket)).Put([]byte(positionKey), bytes.Clone(position))
	}})
	return err
}

func (t *transaction) applyRow(stamps *bbolt.Bucket, row store.OrderedRow) error {
	name := []byte(row.Name)
	old := decodeRow(t.rows.Get(name))
	if row.Write == nil {
		for index, key := range old.each() {
			if err := t.remove(index, key); err != nil {
				return err
			}
		}
		if err := t.remove(store.UnpublishedIndex, markKey(row.Name)); err != nil {
			return err
		}
		return errors.Join(stamps.Delete(name), t.rows.Delete(name))
	}
	if err := t.writeAs(name, old, row.Write, row.Revision); err != nil {
		return err
	}
	if err := t.rows.SetSequence(max(t.rows.Sequence(), uint64(row.Revision))); err != nil {
		return err
	}
	if len(row.Write.Stamp) == 0 || bytes.Equal(stamps.Get(name), row.Write.Stamp) {
		return nil
	}
	return errors.Join(stamps.Put(name, bytes.Clone(row.Write.Stamp)), t.put(store.UnpublishedIndex, markKey(row.Name), row.Write.Unpublished))
}

func (t *transaction) applyBlob(blob store.OrderedBlob) error {
	if err := t.blobs.SetSequence(max(t.blobs.Sequence(), uint64(blob.Revision))); err != nil {
		return err
	}
	return t.blobs.Put([]byte(blob.Key), encodeBlob(blob.Revision, blob.Value))
}

// Position of a copy; nil: the file is none.
func (k *KV) Position(ctx context.Context) (position []byte, err error) {
	_, err = k.read(ctx, func(tx *bbolt.Tx) error {
		position = bytes.Clone(tx.Bucket([]byte(metaBucket)).Get([]byte(positionKey)))
		return nil
	})
	return position, err
}

// Blobs lists their keys.
func (k *KV) Blobs(ctx context.Context) (keys []string, err error) {
	_, err = k.read(ctx, func(tx *bbolt.Tx) error {
		keys = nil
		return tx.Bucket([]byte(blobsBucket)).ForEach(func(key, _ []byte) error { keys = append(keys, string(key)); return nil })
	})
	return keys, err
}
