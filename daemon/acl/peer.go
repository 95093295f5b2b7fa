// Package acl says who is at the other end of a unix socket and what they may
// do. Identity comes from the kernel alone, never from the message. The
// package promises that whoever cannot be identified may do nothing.
package acl

import (
	"context"
	"errors"
	"fmt"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A Peer is the process that connected, as the kernel knew it at that moment.
type Peer struct {
	UID, GID uint32
	Groups   []uint32 // supplementary
	PID      int32    // of the connecting process, which may have ended since
	Unit     string   // of systemd; empty: none, or not known for certain
	// Remote is somebody who proved to the pages who he is, and of whom the kernel
	// knows nothing: the numbers beside it mean nobody. nil: a local process.
	Remote *Remote
}

// A Remote is known by a password or by a certificate: one of its names is set.
type Remote struct {
	User   string // of basic_auth_users in web_config_file
	Client string // the common name of a client certificate
}

// PeerOf asks the kernel for all but the unit. The connection stays open for the call because its
// descriptor is only touched inside Control.
func PeerOf(conn syscall.Conn) (Peer, error) {
	raw, err := conn.SyscallConn()
	if err != nil {
		return Peer{}, fmt.Errorf("reach socket of peer: %w", err)
	}
	var p Peer
	var inner error
	err = raw.Control(func(fd uintptr) { p, inner = credentials(int(fd)) })
	if err = errors.Join(err, inner); err != nil {
		return Peer{}, fmt.Errorf("read peer credentials: %w", err)
	}
	return p, nil
}

// Identify is PeerOf with the unit.
func Identify(conn syscall.Conn) (Peer, error) {
	p, err := PeerOf(conn)
	if err != nil {
		return Peer{}, err
	}
	p.Unit = UnitOf(conn, p)
	return p, nil
}

func credentials(fd int) (Peer, error) {
	cred, err := unix.GetsockoptUcred(fd, unix.SOL_SOCKET, unix.SO_PEERCRED)
	if err != nil {
		return Peer{}, err
	}
	groups, err := peerGroups(fd)
	if err != nil {
		return Peer{}, err
	}
	return Peer{UID: cred.Uid, GID: cred.Gid, Groups: groups, PID: cred.Pid}, nil
}

// peerGroups reads SO_PEERGROUPS (Linux 4.13, socket(7)), for which x/sys has
// no function: an array of group numbers. A buffer that is too small is
// answered with ERANGE and the size that is needed.
func peerGroups(fd int) ([]uint32, error) {
	const width = uint32(unsafe.Sizeof(uint32(0)))
	groups := make([]uint32, 64)
	for {
		size := uint32(len(groups)) * width
		_, _, errno := unix.Syscall6(unix.SYS_GETSOCKOPT, uintptr(fd), unix.SOL_SOCKET, unix.SO_PEERGROUPS,
			uintptr(unsafe.Pointer(unsafe.SliceData(groups))), uintptr(unsafe.Pointer(&size)), 0)
		switch {
		case errno == 0:
			return groups[:size/width], nil
		case errno != unix.ERANGE || size/width <= uint32(len(groups)):
			return nil, errno
		}
		groups = make([]uint32, size/width)
	}
}

type contextKey struct{}

// NewContext is for requests of that peer.
func NewContext(ctx context.Context, p Peer) context.Context {
	return context.WithValue(ctx, contextKey{}, p)
}

// FromContext returns the peer of NewContext, if there is one.
func FromContext(ctx context.Context) (Peer, bool) {
	p, ok := ctx.Value(contextKey{}).(Peer)
	return p, ok
}
