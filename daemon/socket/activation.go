package socket

import (
	"fmt"
	"net"

	"github.com/coreos/go-systemd/v22/activation"
)

// Names of the shipped socket units' descriptors, FileDescriptorName= in
// systemd.socket(5).
const (
	APIName        = "api"
	CredentialName = "credential"
)

// Activated returns the sockets that the service manager passed, by name, and
// takes their mark from the environment, so that no child process believes
// that they are its own (sd_listen_fds(3)). They belong to the service manager:
// to close one does not remove it. A name that the daemon does not know is an
// error, and so is what is no unix stream socket.
func Activated() (map[string]*net.UnixListener, error) {
	passed, err := activation.ListenersWithNames()
	if err != nil {
		return nil, fmt.Errorf("take over sockets: %w", err)
	}
	listeners := make(map[string]*net.UnixListener, len(passed))
	for name, list := range passed {
		if name != APIName && name != CredentialName {
			return nil, fmt.Errorf("take over sockets: there is no use for one named %q, only for %s and %s", name, APIName, CredentialName)
		}
		if len(list) != 1 {
			return nil, fmt.Errorf("take over sockets: there are %d named %q", len(list), name)
		}
		l, ok := list[0].(*net.UnixListener)
		if !ok {
			return nil, fmt.Errorf("take over sockets: the one named %q is no unix stream socket", name)
		}
		l.SetUnlinkOnClose(false)
		listeners[name] = l
	}
	return listeners, nil
}
