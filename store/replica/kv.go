package replica

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"webex-tokend/store"
)

// Get reads one row from the copy, as all reads do.
func (k *KV) Get(ctx context.Context, name string) (store.Row, error) { return k.copy.Get(ctx, name) }

// Mark reads one mark.
func (k *KV) Mark(ctx context.Context, index store.Index, name string) ([]byte, error) {
	return k.copy.Mark(ctx, index, name)
}

// Range reads the entries of one group.
func (k *KV) Range(ctx context.Context, q store.Query) ([]store.Entry, error) {
	return k.copy.Range(ctx, q)
}

// Count returns the number of entries in a group.
func (k *KV) Count(ctx context.Context, index store.Index, group string) (n int, complete bool, err error) {
	return k.copy.Count(ctx, index, group)
}

// Groups lists the groups that Count knows entries of.
func (k *KV) Groups(ctx context.Context, index store.Index) (groups []string, complete bool, err error) {
	return k.copy.Groups(ctx, index)
}

// List returns rows in the order of their names.
func (k *KV) List(ctx context.Context, after string, limit int) ([]store.Row, error) {
	return k.copy.List(ctx, after, limit)
}

// Blob reads one blob.
func (k *KV) Blob(ctx context.Context, key string) (store.Blob, error) { return k.copy.Blob(ctx, key) }

// Swap makes a change in the order of all hosts and waits until the copy has it.
// Marks in store.UnpublishedIndex are this host's own: they are compared before
// the change is ordered, and follow it. Beside a write with a stamp every copy
// sets them by itself.
func (k *KV) Swap(ctx context.Context, c store.Change) (store.Revision, error) {
	var own, shared []store.Mark
	for _, m := range c.Marks {
		if m.Index == store.UnpublishedIndex {
			own = append(own, m)
		} else {
			shared = append(shared, m)
		}
	}
	if c.Write == nil && !c.Delete && len(shared) == 0 && len(own) > 0 {
		return k.copy.Swap(ctx, c)
	}
	if err := k.compare(ctx, c.Name, own); err != nil {
		return 0, err
	}
	c.Marks = shared
	revision, err := k.order(ctx, func() (store.Committed, error) { return k.engine.Commit(ctx, c) })
	if err != nil || c.Write != nil && len(c.Write.Stamp) > 0 {
		return revision, err
	}
	if c.Delete {
		own = append([]store.Mark{{Index: store.UnpublishedIndex}}, own...)
	}
	if len(own) == 0 {
		return revision, nil
	}
	for i := range own {
		own[i].If, own[i].Vacant = nil, false
	}
	_, err = k.copy.Swap(ctx, store.Change{Name: c.Name, Expect: store.Any, Marks: own})
	return revision, err
}

// compare looks that marks of this host are as a change expects them.
func (k *KV) compare(ctx context.Context, name string, marks []store.Mark) error {
	for _, m := range marks {
		if m.If == nil && !m.Vacant {
			continue
		}
		value, err := k.copy.Mark(ctx, m.Index, name)
		stands := err == nil
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return err
		}
		if m.Vacant && stands || m.If != nil && (!stands || !bytes.Equal(value, m.If)) {
			return store.ErrConflict
		}
	}
	return nil
}

// SwapBlob makes a change in etcd and waits until the copy has it.
func (k *KV) SwapBlob(ctx context.Context, key string, expect store.Revision, value []byte) (store.Revision, error) {
	return k.order(ctx, func() (store.Committed, error) { return k.engine.CommitBlob(ctx, key, expect, value) })
}

func (k *KV) order(ctx context.Context, commit func() (store.Committed, error)) (store.Revision, error) {
	if k.gone.Load() {
		return 0, store.ErrReplaced
	}
	done, err := commit()
	if err != nil || done.At == 0 {
		return done.Revision, err
	}
	return done.Revision, k.awaitCopy(ctx, done.At)
}

// awaitCopy waits until the copy stands at a revision.
func (k *KV) awaitCopy(ctx context.Context, revision int64) error {
	k.mu.Lock()
	if k.applied >= revision {
		k.mu.Unlock()
		return nil
	}
	waits := make(chan struct{})
	k.waiting[waits] = revision
	k.mu.Unlock()
	defer func() {
		k.mu.Lock()
		delete(k.waiting, waits)
		k.mu.Unlock()
	}()
	select {
	case <-waits:
		return nil
	case <-k.replaced:
		return store.ErrReplaced
	case <-k.ended.Done():
		return store.ErrClosed
	case <-ctx.Done():
		return fmt.Errorf("wait for the copy: %w", ctx.Err())
	}
}

// Close lets go of etcd and of the copy.
func (k *KV) Close() error {
	k.end()
	err := k.engine.Close()
	k.running.Wait()
	return errors.Join(err, k.copy.Close())
}

// Audit shows rows and entries of the copy, side by side.
func (k *KV) Audit(ctx context.Context, after string, limit int) ([]store.AuditedRow, error) {
	return k.copy.Audit(ctx, after, limit)
}

// Strays looks for entries of the copy that no row knows of.
func (k *KV) Strays(ctx context.Context, after store.Spot, limit int) (strays []store.Stray, last store.Spot, err error) {
	return k.copy.Strays(ctx, after, limit)
}

// Drop removes strays from the copy.
func (k *KV) Drop(ctx context.Context, strays []store.Stray) error { return k.copy.Drop(ctx, strays) }

// Survey reads the structure of the copy.
func (k *KV) Survey(ctx context.Context) error { return k.copy.Survey(ctx) }

// Backup copies the copy into a new file.
func (k *KV) Backup(ctx context.Context, path string) error { return k.copy.Backup(ctx, path) }

// Replaced is closed when etcd holds something else than this host has seen of
// it, as after it was restored from a snapshot.
func (k *KV) Replaced() <-chan struct{} { return k.replaced }
