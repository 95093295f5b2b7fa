// Package lockfile keeps two processes from the store of one host.
package lockfile

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"webex-tokend/store"
)

// A LockedError says who has the store. It is store.ErrLocked.
type LockedError struct {
	Path string // of the file that is locked
	PID  int    // 0 when it could not be read
}

func (e *LockedError) Error() string {
	if e.PID == 0 {
		return fmt.Sprintf("%s: %v", e.Path, store.ErrLocked)
	}
	return fmt.Sprintf("%s: %v, pid %d", e.Path, store.ErrLocked, e.PID)
}

func (e *LockedError) Unwrap() error { return store.ErrLocked }

// A Lock is a file beside the store, flocked for as long as the store is open.
// The lock on the store itself would not do: it belongs to the inode, and a
// restored backup renamed into place brings a new one. So this file is never
// replaced or removed. It holds the pid of its holder, for the error message
// of whoever comes second.
type Lock struct{ file *os.File }

const retry = 50 * time.Millisecond

// Acquire waits up to timeout for the lock. The error is a *LockedError when
// another process has it.
func Acquire(path string, timeout time.Duration) (*Lock, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0o600)
	if errors.Is(err, unix.EROFS) {
		// The lock that an earlier run made locks as well where nothing is written.
		f, err = os.OpenFile(path, os.O_RDONLY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	}
	if err != nil {
		return nil, fmt.Errorf("open lock file: %w", err)
	}
	for start := time.Now(); ; time.Sleep(retry) {
		err = unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		if err != unix.EWOULDBLOCK || time.Since(start) >= timeout {
			break
		}
	}
	switch {
	case err == unix.EWOULDBLOCK:
		err = &LockedError{path, holder(f)}
	case err != nil:
		err = fmt.Errorf("lock %s: %w", path, err)
	default:
		sign(f)
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return &Lock{f}, nil
}

// Close lets go of it, and leaves the pid in the file: it is read only while somebody holds the
// lock.
func (l *Lock) Close() error { return l.file.Close() }

// sign writes the pid over the one before, which takes no room on a full disk.
// Where nothing can be written, the lock holds all the same, and tells no pid.
func sign(f *os.File) {
	pid := strconv.AppendInt(nil, int64(os.Getpid()), 10)
	if _, err := f.WriteAt(pid, 0); err != nil {
		pid = nil
	}
	_ = f.Truncate(int64(len(pid)))
}

func holder(f *os.File) int {
	b := make([]byte, 20)
	n, _ := f.ReadAt(b, 0)
	pid, _ := strconv.Atoi(strings.TrimSpace(string(b[:n])))
	return pid
}
