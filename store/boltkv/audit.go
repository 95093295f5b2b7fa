package boltkv

import (
	"context"

	"go.etcd.io/bbolt"

	"webex-tokend/store"
)

// Audit reads up to limit rows after that name, each with the entries that it
// names, as one transaction sees them. It may be ahead of the disk by the
// commit under way; 0 as limit means 1,000.
func (k *KV) Audit(ctx context.Context, after string, limit int) (list []store.AuditedRow, err error) {
	_, err = k.read(ctx, func(tx *bbolt.Tx) error {
		c := tx.Bucket([]byte(rowsBucket)).Cursor()
		name, b := c.Seek([]byte(after))
		if string(name) == after {
			name, b = c.Next()
		}
		for n := bound(limit); name != nil && n > 0; n-- {
			list = append(list, audited(tx, string(name), b))
			name, b = c.Next()
		}
		return nil
	})
	return list, err
}

func audited(tx *bbolt.Tx, name string, b []byte) store.AuditedRow {
	r := decodeRow(b)
	a := store.AuditedRow{Row: rowOf(name, b), Torn: r.value == nil}
	for index, key := range r.each() {
		a.Missing = a.Missing || tx.Bucket([]byte(index)).Get(key) == nil
		group := groupOf(key)
		rank, of, ok := splitKey(key[min(len(group)+1, len(key)):])
		if !ok {
			a.Missing = true
			continue
		}
		a.Entries = append(a.Entries, store.Entry{Index: index, Group: string(group), Rank: rank, Name: string(of)})
	}
	return a
}
