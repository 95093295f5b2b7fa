package systemd_test

import (
	"io"
	"log"
	"net"
	"net/http"
	"runtime"

	"golang.org/x/sys/unix"
)

// within calls a function whose sockets are those of the machine. Only what it
// does in its own goroutine counts.
func (m *machine) within(call func() error) error {
	done := make(chan error)
	go func() {
		// The thread keeps the network of the machine and ends with the goroutine.
		runtime.LockOSThread()
		done <- func() error {
			network, err := unix.Open("/proc/"+m.leader+"/ns/net", unix.O_RDONLY|unix.O_CLOEXEC, 0)
			if err != nil {
				return err
			}
			defer unix.Close(network)
			if err := unix.Setns(network, unix.CLONE_NEWNET); err != nil {
				return err
			}
			return call()
		}()
	}()
	return <-done
}

// serve answers on an address of the machine until its test ends, with TLS
// where the server has a certificate.
func (m *machine) serve(address string, server *http.Server) {
	m.t.Helper()
	var listener net.Listener
	err := m.within(func() (err error) {
		listener, err = net.Listen("tcp", address)
		return err
	})
	if err != nil {
		m.t.Fatal(err)
	}
	// Connections that are cut on purpose are no news.
	server.ErrorLog = log.New(io.Discard, "", 0)
	served := make(chan struct{})
	go func() {
		defer close(served)
		if server.TLSConfig != nil {
			_ = server.ServeTLS(listener, "", "")
			return
		}
		_ = server.Serve(listener)
	}()
	m.t.Cleanup(func() {
		_ = server.Close()
		<-served
	})
}
