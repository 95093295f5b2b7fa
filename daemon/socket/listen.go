// Package socket makes the unix sockets that the daemon serves, or takes over
// those that the service manager made, and accepts on them whatever happens:
// a daemon that has run out of descriptors must not stop to listen for ever.
package socket

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"webex-tokend/daemon/accounts"
)

// Errors of Listen that a caller tells apart.
var (
	// ErrServed: somebody answers on the socket already.
	ErrServed = errors.New("already served by another process")
	// ErrTaken: the path holds something that is not ours to remove.
	ErrTaken = errors.New("taken by something else")
)

// Listen listens on a unix socket at path with that mode, and that group by
// name or number; "" keeps the process's own. Nobody can connect before mode
// and group are set. Of what stands at path, only a dead socket of this user
// is removed. Close removes the socket.
func Listen(ctx context.Context, path string, mode fs.FileMode, group string) (*net.UnixListener, error) {
	gid, err := -1, error(nil) // no group: as it is
	if group != "" {
		var number uint32
		number, err = accounts.GroupID(group)
		gid = int(number)
	}
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w", path, err)
	}
	if err := removeStale(ctx, path); err != nil {
		return nil, fmt.Errorf("listen on %s: %w", path, err)
	}
	// Linux gives a socket file the mode of the socket it is bound from. Set
	// there, the mode is right from the first instant, and no umask, which is
	// the whole process's, has to change for it.
	closed := net.ListenConfig{Control: func(_, _ string, c syscall.RawConn) error {
		var failed error
		err := c.Control(func(fd uintptr) { failed = unix.Fchmod(int(fd), 0o600) })
		return errors.Join(err, failed)
	}}
	listener, err := closed.Listen(ctx, "unix", path)
	if err != nil {
		if op, ok := errors.AsType[*net.OpError](err); ok {
			err = op.Err
		}
		return nil, fmt.Errorf("listen on %s: %w", path, err)
	}
	// The group before the mode: the other way round, the wrong group would
	// have the rights of the right one for an instant.
	if gid >= 0 {
		err = os.Lchown(path, -1, gid)
	}
	if err == nil {
		err = os.Chmod(path, mode)
	}
	if err != nil {
		_ = listener.Close()
		return nil, fmt.Errorf("open socket to its users: %w", err)
	}
	return listener.(*net.UnixListener), nil
}

// removeStale leaves the path free, or says why it is not. It dials first: a
// socket that refuses has lost its process, anything else is alive, even one
// that is too busy to answer.
func removeStale(ctx context.Context, path string) error {
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if info.Mode().Type() != fs.ModeSocket {
		return fmt.Errorf("%w: it is not a socket", ErrTaken)
	}
	if owner := info.Sys().(*syscall.Stat_t).Uid; int(owner) != os.Geteuid() {
		return fmt.Errorf("%w: the socket belongs to user %d", ErrTaken, owner)
	}
	conn, err := (&net.Dialer{Timeout: time.Second}).DialContext(ctx, "unix", path)
	if err == nil {
		_ = conn.Close()
		return ErrServed
	}
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return os.Remove(path)
	case errors.Is(err, fs.ErrNotExist):
		return nil
	}
	return fmt.Errorf("%w: %v", ErrServed, err)
}
