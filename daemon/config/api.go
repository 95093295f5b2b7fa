package config

import (
	"fmt"
	"path/filepath"

	"github.com/hashicorp/hcl/v2"
)

// socketPathLimit is what sockaddr_un of Linux holds beside its NUL.
const socketPathLimit = 107

// api takes the folder in which the sockets are by default, and where that is
// set.
func (r *reader) api(b *apiBlock, runtimeDir string, dir *hcl.Attribute) API {
	if b == nil {
		b = &apiBlock{}
	}
	a := API{Mode: r.mode(b.Mode, 0o666), Group: r.account(b.Group, false)}
	a.Socket = r.socket(b.Socket, filepath.Join(runtimeDir, "api.sock"), dir)
	a.CredentialSocket = r.socket(b.CredentialSocket, filepath.Join(runtimeDir, "credential.sock"), dir)
	if a.CredentialSocket == a.Socket && b.CredentialSocket != nil {
		r.fault(b.CredentialSocket.Expr.Range(), "credential_socket is the same path as socket", "Give it a path of its own.")
	}
	return a
}

func (r *reader) socket(a *hcl.Attribute, def string, dir *hcl.Attribute) string {
	path := r.path(a, def)
	switch {
	case len(path) <= socketPathLimit:
	case a != nil:
		r.fault(a.Expr.Range(), "socket path is too long",
			fmt.Sprintf("It has %d bytes; a unix socket's path has at most %d.", len(path), socketPathLimit))
	case dir != nil:
		r.fault(dir.Expr.Range(), "runtime_dir is too long for a socket",
			fmt.Sprintf("With %s in it the path has %d bytes; a unix socket's path has at most %d.", filepath.Base(path), len(path), socketPathLimit))
	}
	return path
}

func (r *reader) seal(b *sealBlock) Seal {
	s := Seal{KeyFile: DefaultKeyFile}
	if b != nil {
		s.KeyFile = r.path(b.KeyFile, s.KeyFile)
	}
	return s
}
