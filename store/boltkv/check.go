package boltkv

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"go.etcd.io/bbolt"

	"webex-tokend/store"
)

// Check looks at the whole file and reports what is not as it was written, in
// words for an operator: pages that are lost or used twice, rows whose index
// entries are not there, entries of no row. It stops when report returns false.
// The error is one of reading. It returns the number of rows; a million take
// about ten seconds.
func (k *KV) Check(ctx context.Context, report func(fault string) bool) (rows int, err error) {
	_, err = k.read(ctx, func(tx *bbolt.Tx) error {
		more := true
		for err := range tx.Check() { // to its end: a goroutine writes into it
			more = more && report(err.Error())
		}
		if !more {
			return nil
		}
		rows, err = checkEntries(ctx, tx, report)
		return err
	})
	if errors.Is(err, errEnough) {
		return rows, nil
	}
	return rows, err
}

// errEnough ends a walk whose caller has seen enough.
var errEnough = errors.New("enough")

// checkEntries compares rows with the indexes, in both directions.
func checkEntries(ctx context.Context, tx *bbolt.Tx, report func(string) bool) (count int, err error) {
	say := func(format string, args ...any) error {
		if !report(fmt.Sprintf(format, args...)) {
			return errEnough
		}
		return ctx.Err()
	}
	rows := tx.Bucket([]byte(rowsBucket))
	err = rows.ForEach(func(name, b []byte) error {
		count++
		r := decodeRow(b)
		if r.value == nil {
			if err := say("row %s is damaged", name); err != nil {
				return err
			}
		}
		for index, key := range r.each() {
			if tx.Bucket([]byte(index)).Get(key) == nil {
				if err := say("row %s is missing in the index %s", name, index); err != nil {
					return err
				}
			}
		}
		return ctx.Err()
	})
	if err != nil {
		return count, err
	}
	for _, index := range indexes() {
		err := tx.Bucket([]byte(index)).ForEach(func(key, _ []byte) error {
			if name, named := namedBy(rows, index, key); !named {
				return say("index %s has an entry that the row of %q does not know", index, name)
			}
			return ctx.Err()
		})
		if err != nil {
			return count, err
		}
	}
	return count, nil
}

// namedBy finds the row of an entry, and whether it knows of it. A mark needs
// no more than its row.
func namedBy(rows *bbolt.Bucket, index store.Index, key []byte) (name string, named bool) {
	_, rest, _ := bytes.Cut(key, []byte{0})
	_, b, ok := splitKey(rest)
	if !ok {
		return "", false
	}
	stored := rows.Get(b)
	if index == store.OpenIndex || index == store.UnpublishedIndex {
		return string(b), stored != nil
	}
	for i, k := range decodeRow(stored).each() {
		if i == index && bytes.Equal(k, key) {
			return string(b), true
		}
	}
	return string(b), false
}
