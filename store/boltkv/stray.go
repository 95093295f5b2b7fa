package boltkv

import (
	"context"
	"slices"

	"go.etcd.io/bbolt"

	"webex-tokend/store"
)

// Strays looks at up to limit entries behind that spot, index after index, and
// returns those that their row does not know. A row whose header is damaged may
// know them, so that its entries are none; 0 as limit means 1,000.
func (k *KV) Strays(ctx context.Context, after store.Spot, limit int) (strays []store.Stray, last store.Spot, err error) {
	_, err = k.read(ctx, func(tx *bbolt.Tx) error {
		rows := tx.Bucket([]byte(rowsBucket))
		left := bound(limit)
		for _, index := range indexes()[max(0, slices.Index(indexes(), after.Index)):] {
			c := tx.Bucket([]byte(index)).Cursor()
			key, _ := c.First()
			if index == after.Index {
				if key, _ = c.Seek([]byte(after.Key)); string(key) == after.Key {
					key, _ = c.Next()
				}
			}
			for ; key != nil; key, _ = c.Next() {
				if left == 0 {
					return nil
				}
				left--
				last = store.Spot{Index: index, Key: string(key)}
				if name, stray := strayOf(rows, index, key); stray {
					strays = append(strays, store.Stray{Spot: last, Name: name})
				}
			}
		}
		last = store.Spot{}
		return nil
	})
	return strays, last, err
}

func strayOf(rows *bbolt.Bucket, index store.Index, key []byte) (name string, stray bool) {
	name, named := namedBy(rows, index, key)
	if named {
		return name, false
	}
	b := rows.Get([]byte(name))
	return name, b == nil || decodeRow(b).value != nil
}

// Drop looks at each stray again in the transaction that removes it.
func (k *KV) Drop(ctx context.Context, strays []store.Stray) error {
	_, err := k.submit(&operation{ctx: ctx, apply: func(t *transaction) (store.Revision, error) {
		for _, s := range strays {
			key := []byte(s.Key)
			if _, still := strayOf(t.rows, s.Index, key); !still {
				continue
			}
			if err := t.remove(s.Index, key); err != nil {
				return 0, err
			}
		}
		return 0, nil
	}})
	return err
}
