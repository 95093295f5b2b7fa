// Package boltkv keeps the store in one bbolt file.
//
// It promises that a change answered with nil has been fsynced and so has every
// row and blob that it returns, that one process at a time has the file, and
// that a damaged file is an error and never a crash where Go can prevent it:
// bbolt checks nothing but its two meta pages and reads through a memory map.
// It does not repair.
//
// All changes pass through one goroutine, which commits up to 512 of them in
// one transaction, so that they share its two fsyncs.
package boltkv

import (
	"cmp"
	"context"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-hclog"

	"webex-tokend/store"
	"webex-tokend/store/lockfile"
)

// A Config says where the store is. Only Path is required.
type Config struct {
	// Path of the bbolt file, created with mode 0600 when there is none; its
	// folder must exist. PATH.lock stands beside it, and PATH.new for the
	// moment of creation.
	Path string
	// LockTimeout is how long Open waits for another process to let go; zero
	// means not at all.
	LockTimeout time.Duration
	InFlight    int // answers for which room is kept from the first change on
	// Log receives what has no caller to be told; nil means nobody.
	Log hclog.Logger
	// Progress is told now and then how many bytes Restore has written, and how
	// many it will be; nil means nobody. It must return at once.
	Progress func(done, of int64)
}

// A KV is a store.KV on bbolt.
type KV struct {
	log      hclog.Logger
	lock     io.Closer
	queue    *queue
	tally    *tally
	done     chan struct{} // closed when the committer has ended
	inFlight int           // answers for which room is kept

	// mu guards what changes in file: readers hold it for the length of one
	// read, the committer takes it to reopen. No other goroutine writes there.
	// A read that lasts makes way when the file is wanted.
	mu     sync.RWMutex
	file   *file
	wanted atomic.Bool

	flight    atomic.Pointer[flight] // nil between commits
	condemned atomic.Pointer[error]  // why there are no changes any more
	replaced  chan struct{}          // closed by the committer

	closing  sync.Once
	closeErr error
}

// Open opens or creates the store. Besides errors of the file system it
// returns a *lockfile.LockedError, store.ErrDamaged or store.ErrNewerFormat, and has changed
// nothing then.
func Open(cfg Config) (*KV, error) {
	log := cmp.Or(cfg.Log, hclog.NewNullLogger())
	lock, err := lockfile.Acquire(cfg.Path+".lock", cfg.LockTimeout)
	if err != nil {
		return nil, err
	}
	f, err := openOrCreate(cfg, log)
	if err != nil {
		lock.Close()
		return nil, err
	}
	k := &KV{log: log, lock: lock, queue: newQueue(), tally: newTally(), done: make(chan struct{}), inFlight: cfg.InFlight, replaced: make(chan struct{}), file: f}
	go k.commit()
	return k, nil
}

// Close applies what was queued before it, waits, and closes the file. Later
// calls of any method return store.ErrClosed, later calls of Close the result
// of the first.
func (k *KV) Close() error {
	k.closing.Do(func() {
		k.queue.close()
		<-k.done
		k.takeFile()
		defer k.mu.Unlock()
		k.closeErr = k.file.close(store.ErrClosed)
		k.lock.Close()
	})
	return k.closeErr
}

// takeFile locks mu.
func (k *KV) takeFile() {
	k.wanted.Store(true)
	k.mu.Lock()
	k.wanted.Store(false)
}

// Replaced is closed when a change has met store.ErrReplaced. The file that is open
// can still be read and backed up; nothing will be written to it.
func (k *KV) Replaced() <-chan struct{} { return k.replaced }

// Count reads no file. While complete is false, n is what was counted so far.
func (k *KV) Count(ctx context.Context, index store.Index, group string) (n int, complete bool, err error) {
	if k.queue.isClosed() {
		return 0, false, store.ErrClosed
	}
	n, complete = k.tally.count(index, group)
	return n, complete, ctx.Err()
}

// Groups lists the groups with at least one entry, in order. It reads no file.
func (k *KV) Groups(ctx context.Context, index store.Index) (groups []string, complete bool, err error) {
	if k.queue.isClosed() {
		return nil, false, store.ErrClosed
	}
	groups, complete = k.tally.groups(index)
	return groups, complete, ctx.Err()
}
