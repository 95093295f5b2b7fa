package configfile

import (
	"fmt"
	"path/filepath"

	"github.com/hashicorp/hcl/v2"

	"webex-tokend/daemon/config"
)

// socketPathLimit is the size of sockaddr_un on Linux without the final NUL.
const socketPathLimit = 107

// read takes the folder in which the sockets are by default, and where that is
// set.
func (b *apiBlock) read(r *reader, runtimeDir string, dir *hcl.Attribute) config.API {
	if b == nil {
		b = &apiBlock{}
	}
	a := config.API{Mode: r.Mode(b.Mode, 0o666), Group: r.account(b.Group, false)}
	a.Socket = socket(b.Socket, r, filepath.Join(runtimeDir, "api.sock"), dir)
	a.CredentialSocket = socket(b.CredentialSocket, r, filepath.Join(runtimeDir, "credential.sock"), dir)
	if a.CredentialSocket == a.Socket && b.CredentialSocket != nil {
		r.Fault(b.CredentialSocket.Expr.Range(), "credential_socket is the same path as socket", "Give it a path of its own.")
	}
	return a
}

func socket(a *hcl.Attribute, r *reader, def string, dir *hcl.Attribute) string {
	path := r.Path(a, def)
	switch {
	case len(path) <= socketPathLimit:
	case a != nil:
		r.Fault(a.Expr.Range(), "socket path is too long",
			fmt.Sprintf("It has %d bytes; a unix socket's path has at most %d.", len(path), socketPathLimit))
	case dir != nil:
		r.Fault(dir.Expr.Range(), "runtime_dir is too long for a socket",
			fmt.Sprintf("With %s in it the path has %d bytes; a unix socket's path has at most %d.", filepath.Base(path), len(path), socketPathLimit))
	}
	return path
}

func (b *sealBlock) read(r *reader) config.Seal {
	s := config.Seal{KeyFile: config.DefaultKeyFile}
	if b != nil {
		s.KeyFile = r.Path(b.KeyFile, s.KeyFile)
	}
	return s
}
