package boltkv

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime/debug"
	"time"

	"github.com/hashicorp/go-hclog"
	"go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"
	"golang.org/x/sys/unix"

	"webex-tokend/store"
	"webex-tokend/store/lockfile"
)

// A file is the bbolt file and which file that is.
type file struct {
	path    string
	timeout time.Duration
	log     hclog.Logger

	id  identity // of the file that was opened first
	db  *bbolt.DB
	why error // why db is nil
	// refuses is why db can be read only; nil: it can be written.
	refuses error
	// raw is the descriptor that bbolt uses. It is closed by hand where a
	// panic leaves bbolt unable to, because it carries bbolt's flock.
	raw *os.File
}

type identity struct{ dev, ino uint64 }

func openOrCreate(cfg Config, log hclog.Logger) (*file, error) {
	f := &file{path: cfg.Path, timeout: cfg.LockTimeout, log: log}
	if _, err := os.Lstat(cfg.Path); errors.Is(err, fs.ErrNotExist) {
		if err := create(cfg.Path); err != nil {
			return nil, fmt.Errorf("create store file: %w", err)
		}
		log.Info("created the store", "path", cfg.Path)
	}
	if err := f.open(); err != nil {
		return nil, err
	}
	return f, nil
}

// open opens the file, which must exist and, after the first time, be the same
// one. What is in it can be read on a disk that is, or has turned, read-only.
func (f *file) open() error {
	f.refuses = nil
	err := f.openAs(false)
	if !unwritable(err) || f.openAs(true) != nil {
		return err
	}
	f.refuses = err
	return nil
}

// unwritable tells of a file that may be readable all the same.
func unwritable(err error) bool {
	return errors.Is(err, unix.EROFS) || errors.Is(err, unix.EPERM) || errors.Is(err, unix.EACCES)
}

// openAs takes the array freelist, kept in the file. That is the slower choice
// for bbolt and the right one here: without it a cold start reads every page.
func (f *file) openAs(readOnly bool) error {
	var db *bbolt.DB
	err := guarded(func() (err error) {
		db, err = bbolt.Open(f.path, 0o600, &bbolt.Options{
			Timeout:      max(f.timeout, time.Millisecond),
			FreelistType: bbolt.FreelistArrayType,
			NoStatistics: true,
			ReadOnly:     readOnly,
			OpenFile:     f.openRaw,
		})
		if err != nil {
			return err
		}
		return db.View(checkFormat)
	})
	if err == nil {
		f.db, f.why = db, nil
		return nil
	}
	if db != nil {
		db.Close()
	}
	if f.raw != nil {
		f.raw.Close()
	}
	if errors.Is(err, berrors.ErrTimeout) {
		err = &lockfile.LockedError{Path: f.path}
	}
	f.why = unopened(f.path, err)
	return f.why
}

// unopened says which file is damaged; other errors have its name in them.
func unopened(path string, err error) error {
	if errors.Is(err, store.ErrDamaged) {
		return fmt.Errorf("open store file %s: %w", path, err)
	}
	return fmt.Errorf("open store file: %w", err)
}

// openRaw opens the file for bbolt, having looked at what bbolt believes
// unseen.
func (f *file) openRaw(path string, flag int, _ os.FileMode) (raw *os.File, err error) {
	raw, err = os.OpenFile(path, flag&^os.O_CREATE|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			raw.Close()
		}
	}()
	var st unix.Stat_t
	if err := unix.Fstat(int(raw.Fd()), &st); err != nil {
		return nil, fmt.Errorf("stat: %w", err)
	}
	if id := (identity{uint64(st.Dev), st.Ino}); f.id == (identity{}) {
		f.id = id
	} else if f.id != id {
		return nil, store.ErrReplaced
	}
	spare, err := inspect(raw)
	if err != nil {
		return nil, err
	}
	if !spare {
		f.log.Warn("one of the two meta pages of the store file is damaged, as after a power loss; the other one serves", "path", path)
	}
	f.raw = raw
	return raw, nil
}

func checkFormat(tx *bbolt.Tx) error {
	for _, name := range bucketNames() {
		if tx.Bucket([]byte(name)) == nil {
			return fmt.Errorf("%w: it has no bucket %s", store.ErrDamaged, name)
		}
	}
	v, n := binary.Uvarint(tx.Bucket([]byte(metaBucket)).Get([]byte(formatKey)))
	switch {
	case n <= 0 || v == 0:
		return fmt.Errorf("%w: it does not say its format", store.ErrDamaged)
	case v > format:
		return fmt.Errorf("format %d: %w", v, store.ErrNewerFormat)
	}
	return nil
}

// inPlace returns store.ErrReplaced unless the path still leads to this file. A
// commit to an orphan succeeds and is lost with it.
func (f *file) inPlace() error {
	var st unix.Stat_t
	switch err := unix.Lstat(f.path, &st); {
	case err == unix.ENOENT:
		return store.ErrReplaced
	case err != nil:
		return fmt.Errorf("stat store file: %w", err)
	case f.id != identity{uint64(st.Dev), st.Ino}:
		return store.ErrReplaced
	}
	return nil
}

// readOnly asks the disk.
func (f *file) readOnly() bool {
	raw, err := os.OpenFile(f.path, os.O_RDWR|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err == nil {
		raw.Close()
	}
	return unwritable(err)
}

// writable is false where a change has to open the file anew first.
func (f *file) writable() bool { return f.db != nil && f.refuses == nil }

func (f *file) close(why error) error {
	f.why = why
	if f.db == nil {
		return nil
	}
	db := f.db
	f.db = nil
	if err := guarded(db.Close); err != nil {
		f.raw.Close()
		return fmt.Errorf("close store file: %w", err)
	}
	return nil
}

// abandon gives up a file in which a transaction can be neither committed nor
// rolled back: bbolt's own Close would wait for it. The memory map stays.
func (f *file) abandon(why error) {
	f.raw.Close()
	f.db, f.why = nil, why
}

// guarded turns into an error what damaged pages make of bbolt: a panic, or a
// fault in its memory map.
func guarded(f func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%w: %v", store.ErrDamaged, p)
		}
	}()
	return f()
}
