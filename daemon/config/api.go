package config

import (
	"fmt"
	"path/filepath"

	"github.com/hashicorp/hcl/v2"
)

// socketPathLimit is what sockaddr_un of Linux holds beside its NUL.
const socketPathLimit = 107

func (r *reader) api(b *apiBlock, runtimeDir string) API {
	a := API{
		Socket:           filepath.Join(runtimeDir, "api.sock"),
		Mode:             0o666,
		CredentialSocket: filepath.Join(runtimeDir, "credential.sock"),
	}
	if b == nil {
		return a
	}
	a.Socket = r.socket(b.Socket, a.Socket)
	a.Mode = r.mode(b.Mode, a.Mode)
	a.Group = r.account(b.Group, false)
	a.CredentialSocket = r.socket(b.CredentialSocket, a.CredentialSocket)
	if a.CredentialSocket == a.Socket && b.CredentialSocket != nil {
		r.fault(b.CredentialSocket.Expr.Range(), "credential_socket is the same path as socket", "Give it a path of its own.")
	}
	return a
}

func (r *reader) socket(a *hcl.Attribute, def string) string {
	path := r.path(a, def)
	if len(path) > socketPathLimit && a != nil {
		r.fault(a.Expr.Range(), "socket path is too long",
			fmt.Sprintf("It has %d bytes; a unix socket's path has at most %d.", len(path), socketPathLimit))
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
