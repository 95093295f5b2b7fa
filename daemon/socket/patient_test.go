package socket_test

import (
	"bytes"
	"errors"
	"net"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"webex-tokend/daemon/socket"
)

func TestAProcessWithoutDescriptorsTurnsCallersAwayAndGoesOnAfterwards(t *testing.T) {
	path := filepath.Join(openFolder(t), "s")
	l, err := socket.Listen(t.Context(), path, 0o600, "")
	if err != nil {
		t.Fatal(err)
	}
	p := socket.NewPatient(l)
	p.TurnAway = func(conn *net.UnixConn) { _, _ = conn.Write([]byte("busy")) }
	accepted, ended := make(chan *net.UnixConn, 16), make(chan error, 1)
	// The callers of a full process have to be made before it is full.
	callers := make([]int, 3)
	for i := range callers {
		if callers[i], err = unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0); err != nil {
			t.Fatal(err)
		}
		defer unix.Close(callers[i])
	}
	call := func(fd int) string {
		if err := unix.Connect(fd, &unix.SockaddrUnix{Name: path}); err != nil {
			t.Fatal(err)
		}
		var heard [16]byte
		n, err := unix.Read(fd, heard[:])
		if err != nil {
			t.Fatal(err)
		}
		return string(bytes.TrimRight(heard[:n], "\x00"))
	}

	// Who still takes descriptors when the first accept fails may get the one
	// in reserve, and then nobody is told anything: the process is filled first.
	release := exhaust(t)
	go func() {
		for {
			conn, err := p.AcceptUnix()
			if err != nil {
				ended <- err
				return
			}
			_, _ = conn.Write([]byte("come in"))
			accepted <- conn
		}
	}()
	first, second := call(callers[0]), call(callers[1])
	release()
	if first != "busy" || second != "busy" {
		t.Errorf("callers heard %q and %q", first, second)
	}
	if heard := call(callers[2]); heard != "come in" {
		t.Errorf("the next caller heard %q", heard)
	}
	(<-accepted).Close()
	if err := p.Close(); err != nil {
		t.Error(err)
	}
	if err := <-ended; !errors.Is(err, net.ErrClosed) {
		t.Errorf("ended with %v", err)
	}
}

// exhaust takes every descriptor that this process may have.
func exhaust(t *testing.T) (release func()) {
	t.Helper()
	var before unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &before); err != nil {
		t.Fatal(err)
	}
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: 64, Max: before.Max}); err != nil {
		t.Fatal(err)
	}
	var taken []*os.File
	for {
		f, err := os.Open(os.DevNull)
		if err != nil {
			break
		}
		taken = append(taken, f)
	}
	return func() {
		for _, f := range taken {
			f.Close()
		}
		if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &before); err != nil {
			t.Error(err)
		}
	}
}
