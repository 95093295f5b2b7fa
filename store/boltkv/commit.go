package boltkv

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"

	"webex-tokend/store"
)

const (
	// maxGroup bounds how many changes wait for one another: a few megabytes.
	maxGroup = 512
	// countedAtOnce bounds how long the counting holds up a change: milliseconds.
	countedAtOnce = 4096
	// reopenAfter is how often a file that would not open is tried again.
	reopenAfter = time.Second
)

// Swap waits for its change to be committed together with others. When ctx
// ends first the change may still be applied.
func (k *KV) Swap(ctx context.Context, c store.Change) (store.Revision, error) {
	if err := validate(c); err != nil {
		return 0, err
	}
	opens := slices.ContainsFunc(c.Marks, func(m store.Mark) bool { return m.Index == store.OpenIndex && m.Value != nil })
	return k.submit(&operation{ctx: ctx, subject: subject{name: c.Name}, opens: opens, makes: c.Write != nil && c.Expect == store.Absent,
		apply: func(t *transaction) (store.Revision, error) { return t.swap(c) }})
}

// SwapBlob waits as Swap does.
func (k *KV) SwapBlob(ctx context.Context, key string, expect store.Revision, value []byte) (store.Revision, error) {
	if key == "" {
		return 0, errors.New("blob without a key")
	}
	if len(value) > maxValue {
		return 0, fmt.Errorf("blob %s is too long", key)
	}
	return k.submit(&operation{ctx: ctx, subject: subject{blob: true, name: key},
		apply: func(t *transaction) (store.Revision, error) { return t.swapBlob(key, expect, value) }})
}

func (k *KV) submit(o *operation) (store.Revision, error) {
	if err := o.ctx.Err(); err != nil {
		return 0, err
	}
	o.done = make(chan struct{})
	if !k.queue.put(o) {
		return 0, store.ErrClosed
	}
	select {
	case <-o.done:
		return o.revision, o.err
	case <-o.ctx.Done():
		return 0, fmt.Errorf("wait for the commit: %w", o.ctx.Err())
	}
}

// commit is the only goroutine that writes, reopens the file and counts.
func (k *KV) commit() {
	defer close(k.done)
	for kept := false; ; {
		group, more := k.queue.take(maxGroup)
		switch {
		case len(group) > 0:
			// Not earlier: whoever refuses what the store holds leaves it as it was.
			if !kept && k.file.writable() {
				kept = true
				_, _ = k.reserve(nil) // without it, intents are asked one by one
			}
			k.serve(group)
		case !more:
			return
		case !k.file.writable():
			k.wait(time.After(reopenAfter))
			k.reopen()
		case !k.tally.counting():
			k.wait(nil)
			continue
		}
		k.countOn()
	}
}

func (k *KV) wait(timeout <-chan time.Time) {
	select {
	case <-k.queue.wake:
	case <-timeout:
	}
}

func (k *KV) serve(group []*operation) {
	live := slices.DeleteFunc(group, func(o *operation) bool {
		err := o.ctx.Err() // nobody waits for it any more, and it has not begun
		if err != nil {
			answer([]*operation{o}, err)
		}
		return err != nil
	})
	if len(live) == 0 {
		return
	}
	if !k.file.writable() {
		k.reopen()
	}
	if err := k.writable(); err != nil {
		answer(live, err)
		return
	}
	if fit, err := k.reserve(live); err != nil {
		// A full disk is no reason to refuse what may make room or free a grant, nor
		// the intents for whose answers there is room.
		live = slices.DeleteFunc(live, func(o *operation) bool {
			if !o.opens {
				return false
			}
			if fit--; fit < 0 {
				answer([]*operation{o}, err)
			}
			return fit < 0
		})
		if len(live) == 0 || k.file.db == nil {
			answer(live, k.file.why)
			return
		}
	}
	k.transact(live)
}

// transact commits a group. What it does when that fails depends on how far it
// came:
//
//   - Before the commit nothing is in the file. A damaged page that one
//     operation met must not fail the others for ever, so each is tried again
//     on its own.
//   - A failed commit may have reached the disk, in part or whole, and bbolt's
//     memory says nothing about that. So the file is opened anew before a row
//     of that transaction is read, and all callers learn that they do not know.
func (k *KV) transact(group []*operation) {
	var t *transaction
	err := guarded(func() (err error) {
		if t, err = begin(k.file.db); err != nil {
			return err
		}
		return t.apply(group)
	})
	if err != nil {
		err = fmt.Errorf("change store file: %w", err)
		k.undo(t, err)
		if len(group) == 1 {
			group[0].err = nil
			answer(group, err)
			return
		}
		for i := range group {
			group[i].err = nil
			k.serve(group[i : i+1 : i+1])
		}
		return
	}
	if !t.dirty {
		if err := guarded(t.tx.Rollback); err != nil {
			k.undo(t, err)
		}
		answer(group, nil)
		return
	}
	if err := k.land(t, newFlight(group)); err != nil {
		answer(group, fmt.Errorf("commit to store file, its outcome is unknown: %w", err))
		return
	}
	k.tally.add(t.steps)
	answer(group, k.condemnReplaced(k.file.inPlace()))
}

// writable is why nothing can be written, or nil.
func (k *KV) writable() error {
	if why := k.condemned.Load(); why != nil {
		return *why
	}
	if why := cmp.Or(k.file.why, k.file.refuses); why != nil {
		return k.condemnReplaced(why)
	}
	// A path that cannot be looked at leads nowhere else, and the change may be
	// an answer that has no other place: it is written, and its caller told of the
	// doubt when the path is looked at again behind the commit.
	if err := k.file.inPlace(); errors.Is(err, store.ErrReplaced) {
		return k.condemnReplaced(err)
	}
	return nil
}

// condemnReplaced returns err, and gives up a file for good to which the path
// no longer leads.
func (k *KV) condemnReplaced(err error) error {
	if errors.Is(err, store.ErrReplaced) {
		k.log.Error("the store file was replaced while it was open; nothing is written to it any more")
		k.condemned.Store(&err)
		close(k.replaced)
	}
	return err
}

func (k *KV) land(t *transaction, f *flight) error {
	k.flight.Store(f)
	err := guarded(t.tx.Commit)
	if err != nil {
		k.log.Error("commit failed; opening the store file anew", "error", err)
		k.undo(t, err)
		f.failed = true
	}
	k.flight.Store(nil)
	close(f.landed)
	return err
}

// answer gives every caller the outcome of the transaction, but keeps a
// conflict: that change was not part of it.
func answer(group []*operation, err error) {
	for _, o := range group {
		if err != nil && o.err == nil {
			o.revision, o.err = 0, err
		}
		close(o.done)
	}
}

// undo ends a transaction that failed and opens the file anew.
func (k *KV) undo(t *transaction, why error) {
	if t != nil {
		err := guarded(t.tx.Rollback)
		if err != nil && !errors.Is(err, berrors.ErrTxClosed) {
			k.takeFile()
			k.file.abandon(why)
			k.mu.Unlock()
		}
	}
	k.reopen()
}

// reopen leaves the file closed when it does not open; readers then get the
// reason.
func (k *KV) reopen() {
	if k.file.refuses != nil && k.file.readOnly() {
		return
	}
	k.takeFile()
	defer k.mu.Unlock()
	if err := k.file.close(nil); err != nil {
		k.log.Warn("could not close the store file", "error", err)
	}
	if err := k.file.open(); err != nil {
		k.log.Error("could not open the store file anew", "error", err)
	} else if k.file.refuses != nil {
		k.log.Error("the store can be read only", "error", k.file.refuses)
	}
	k.tally.restart()
}

// countOn goes on counting from where it stopped.
func (k *KV) countOn() {
	if k.file.db == nil || !k.tally.counting() {
		return
	}
	err := guarded(func() error {
		return k.file.db.View(func(tx *bbolt.Tx) error {
			k.tally.walk(tx, countedAtOnce)
			return nil
		})
	})
	if err != nil {
		k.tally.giveUp()
		k.log.Error("stopped counting grants", "error", err)
	}
}
