package boltkv

import (
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/hashicorp/go-hclog"
	"go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"
	"golang.org/x/sys/unix"

	"webex-tokend/store/lockfile"
)

// View opens a store or a backup to look at it: changes and counts are answered
// with store.ErrClosed, nothing is created, and no byte of the file changes. It
// takes no lock file, so that a backup on a read-only medium opens; a store
// that a daemon has open is a *lockfile.LockedError.
func View(path string) (*KV, error) {
	raw, err := os.OpenFile(path, os.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("open store file: %w", err)
	}
	if _, err := inspect(raw); err != nil {
		raw.Close()
		return nil, unopened(path, err)
	}
	var db *bbolt.DB
	err = guarded(func() (err error) {
		db, err = bbolt.Open(path, 0o600, &bbolt.Options{ReadOnly: true, Timeout: time.Millisecond})
		if err != nil {
			return err
		}
		return db.View(checkFormat)
	})
	if err != nil {
		if db != nil {
			db.Close()
		}
		raw.Close()
		if errors.Is(err, berrors.ErrTimeout) {
			return nil, &lockfile.LockedError{Path: path}
		}
		return nil, unopened(path, err)
	}
	k := &KV{log: hclog.NewNullLogger(), lock: raw, queue: newQueue(), tally: newTally(),
		done: make(chan struct{}), file: &file{path: path, db: db, raw: raw}}
	k.queue.close()
	close(k.done)
	return k, nil
}
