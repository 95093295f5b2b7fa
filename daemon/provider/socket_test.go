package provider

import (
	"net"
	"net/http"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"webex-tokend/daemon/config"
)

func TestTheKernelGivesUpWhatNobodyAcknowledges(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	pools := &transports{pools: make(map[route]*pool)}
	transport, err := pools.of(&config.Integration{})
	if err != nil {
		t.Fatal(err)
	}
	conn, err := transport.(*http.Transport).DialContext(t.Context(), "tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	raw, err := conn.(syscall.Conn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	var limit int
	if err := raw.Control(func(fd uintptr) { limit, err = unix.GetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT) }); err != nil {
		t.Fatal(err)
	}
	if want := int(30 * time.Second / time.Millisecond); err != nil || limit != want {
		t.Errorf("it goes on for %d ms (%v), want %d", limit, err, want)
	}
}
