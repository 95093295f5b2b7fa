package replica

import (
	"context"
	"errors"
	"fmt"

	"webex-tokend/store"
)

// copyAll makes the copy what etcd holds at one instant, and returns the
// revision of that:
//
//  1. Every row, intent and blob is written into the copy, page by page, without
//     a position: a crash on the way leaves a copy that is not complete, and it
//     is begun anew.
//  2. What the copy has and etcd has not is removed.
//  3. Only then the position is written.
//
// Readers may read meanwhile: each row is one that was ordered.
func (k *KV) copyAll(ctx context.Context, progress func(rows int)) (revision int64, err error) {
	for {
		there := newListing()
		rows := 0
		revision, err = k.engine.Copy(ctx, func(b store.Batch) error {
			there.add(b)
			rows += len(b.Rows)
			if progress != nil {
				progress(rows)
			}
			return k.apply(ctx, b)
		})
		if errors.Is(err, store.ErrCompacted) {
			continue
		}
		if err != nil {
			return 0, fmt.Errorf("copy from etcd: %w", err)
		}
		if err := k.prune(ctx, there); err != nil {
			return 0, err
		}
		return revision, k.apply(ctx, store.Batch{Revision: revision})
	}
}

// A listing names the removable items that etcd has.
type listing struct{ rows, intents map[string]bool }

func newListing() listing {
	return listing{make(map[string]bool), make(map[string]bool)}
}

func (l listing) add(b store.Batch) {
	for _, r := range b.Rows {
		l.rows[r.Name] = true
	}
	for _, i := range b.Intents {
		l.intents[i.Name] = true
	}
}

const page = 1000

// prune removes from the copy what is not listed. Blobs are never removed.
func (k *KV) prune(ctx context.Context, there listing) error {
	for after := ""; ; {
		rows, err := k.copy.List(ctx, after, page)
		if err != nil {
			return fmt.Errorf("list copy: %w", err)
		}
		var b store.Batch
		for _, r := range rows {
			if after = r.Name; !there.rows[r.Name] {
				b.Rows = append(b.Rows, store.OrderedRow{Name: r.Name})
			}
		}
		if err := k.applySome(ctx, b); err != nil || len(rows) < page {
			if err != nil {
				return err
			}
			break
		}
	}
	for after := ""; ; {
		marks, err := k.copy.Range(ctx, store.Query{Index: store.OpenIndex, After: store.Position{Name: after}, Limit: page})
		if err != nil {
			return fmt.Errorf("list intents of the copy: %w", err)
		}
		var b store.Batch
		for _, m := range marks {
			if after = m.Name; !there.intents[m.Name] {
				b.Intents = append(b.Intents, store.OrderedIntent{Name: m.Name})
			}
		}
		if err := k.applySome(ctx, b); err != nil {
			return err
		}
		if len(marks) < page {
			break
		}
	}
	return nil
}

func (k *KV) applySome(ctx context.Context, b store.Batch) error {
	if b.Empty() {
		return nil
	}
	return k.apply(ctx, b)
}
