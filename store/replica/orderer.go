package replica

import (
	"context"

	"webex-tokend/store"
)

// An Orderer puts the changes of all hosts into one order; *etcdkv.Engine is one.
type Orderer interface {
	// Member names this process among the hosts, as OrderedRow.Writer does.
	Member() string
	// Identity names the store that the order is of: store.ErrVanished where
	// there is none; Create begins one.
	Identity(ctx context.Context) (string, error)
	Create(ctx context.Context) (string, error)
	// Commit and CommitBlob make changes as store.KV.Swap and SwapBlob do, but
	// for the marks in store.UnpublishedIndex.
	Commit(ctx context.Context, c store.Change) (store.Committed, error)
	CommitBlob(ctx context.Context, key string, expect store.Revision, value []byte) (store.Committed, error)
	// Copy hands on all there is at one instant, in batches, and returns its
	// revision. store.ErrCompacted: that instant is gone, begin anew.
	Copy(ctx context.Context, take func(store.Batch) error) (revision int64, err error)
	// Watch hands on what comes after a revision until ctx ends or something
	// goes wrong: store.ErrCompacted, ErrOlder, ErrVanished, ErrAway.
	Watch(ctx context.Context, after int64, take func(store.Batch) error) error
	Close() error
}
