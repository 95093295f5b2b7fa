package boltkv

import (
	"context"

	"go.etcd.io/bbolt"
)

// Audit compares up to limit rows after that name with the indexes. It returns
// the names of those whose entries are not all there, and the last name it
// looked at; empty: there are no more. What a commit under way adds or removes
// it sees whole.
func (k *KV) Audit(ctx context.Context, after string, limit int) (missing []string, last string, err error) {
	_, err = k.read(ctx, func(tx *bbolt.Tx) error {
		c := tx.Bucket([]byte(rowsBucket)).Cursor()
		name, b := c.Seek([]byte(after))
		if string(name) == after {
			name, b = c.Next()
		}
		for n := bound(limit); name != nil && n > 0; n-- {
			last = string(name)
			for index, key := range decodeRow(b).each() {
				if tx.Bucket([]byte(index)).Get(key) == nil {
					missing = append(missing, last)
					break
				}
			}
			name, b = c.Next()
		}
		return nil
	})
	return missing, last, err
}
