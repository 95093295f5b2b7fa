package provider

import (
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// unackedTime is how long the kernel goes on sending what nobody acknowledges.
// Its own limit is a quarter of an hour: a request that its caller gave up long
// ago would still arrive when a broken way is mended, with a refresh token that
// has been replaced meanwhile.
const unackedTime = 30 * time.Second

// boundUnacked sets TCP_USER_TIMEOUT on a connection before it is used.
func boundUnacked(_, _ string, c syscall.RawConn) error {
	var failed error
	err := c.Control(func(fd uintptr) {
		failed = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, int(unackedTime.Milliseconds()))
	})
	if err != nil {
		return err
	}
	return failed
}
