package vault

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"webex-tokend/store"
	"webex-tokend/store/seal"
)

// A store moves to another place by two marks, so that never two of it refresh
// the same grants:
//
//  1. The store is marked as moved, durably. From then on no daemon opens it.
//  2. The daemon ends as at any stop: what was sent is answered and stored.
//  3. The file is copied. The copy is marked as well, so nobody refreshes from it
//     before it was received.
//  4. Where the copy is put back, it is received: its mark goes, and its anchor
//     says that it arrived, which the first start uses up.
//  5. The copy that was read is marked as taken. Put back once more, its grants are
//     in doubt as those of any older copy.
//
// A crash between any two of them leaves marked stores alone, each of which can be
// received.
const (
	movedBlob = "moved" // the value says where to; empty: it was received
	takenBlob = "taken" // the value says by whom; empty: nobody
)

// A MovedError refuses a store file that is no longer the store: to refresh from
// it would use up tokens behind the back of who has them now.
type MovedError struct{ Path, To string }

func (e *MovedError) Error() string {
	return fmt.Sprintf("the store in %s was moved to %s", e.Path, e.To)
}

// MarkMoved marks a store as moved to that place.
func MarkMoved(ctx context.Context, kv store.KV, to string) error {
	return mark(ctx, kv, movedBlob, to)
}

// Unmove takes the mark back, when nothing came of the move.
func Unmove(ctx context.Context, kv store.KV) error { return mark(ctx, kv, movedBlob, "") }

// MovedTo returns where a store was moved to; empty: it was not.
func MovedTo(ctx context.Context, kv interface {
	Blob(ctx context.Context, key string) (store.Blob, error)
}) (string, error) {
	blob, err := kv.Blob(ctx, movedBlob)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return "", fmt.Errorf("look whether the store was moved: %w", err)
	}
	return string(blob.Value), nil
}

// IsMark reports whether a blob says something of this file alone.
func IsMark(key string) bool { return key == movedBlob || key == takenBlob }

// Move marks the store as moved. The daemon has to end then.
func (v *Vault) Move(ctx context.Context, to string) error {
	if v.cfg.Shared {
		return errors.New("hosts share the store: there is nothing to move")
	}
	return MarkMoved(ctx, v.backend, to)
}

// Receive makes a copy of a moved store the store of this host; folder is that of
// its anchor. taken says who received the same copy before: then its grants stay in
// doubt.
func Receive(ctx context.Context, kv store.KV, ring *seal.Ring, folder string) (taken string, err error) {
	blob, err := kv.Blob(ctx, takenBlob)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return "", fmt.Errorf("look whether the copy was taken: %w", err)
	}
	anchor := seal.Anchor{Ring: ring, Path: filepath.Join(folder, "anchor"), Machine: seal.MachineID()}
	if taken = string(blob.Value); taken == "" {
		err = anchor.Arrive(ctx)
	} else if err = anchor.Outrun(ctx); err == nil {
		err = mark(ctx, kv, takenBlob, "")
	}
	if err != nil {
		return "", err
	}
	return taken, Unmove(ctx, kv)
}

// MarkTaken marks a copy that was received.
func MarkTaken(ctx context.Context, kv store.KV, by string) error {
	return mark(ctx, kv, takenBlob, by)
}

func mark(ctx context.Context, kv store.KV, key, value string) error {
	if _, err := kv.SwapBlob(ctx, key, store.Any, []byte(value)); err != nil {
		return fmt.Errorf("mark the store as %s: %w", key, err)
	}
	return nil
}
