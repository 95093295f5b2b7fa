package config

import (
	"fmt"
	"path/filepath"
)

// socketPathLimit is what sockaddr_un of Linux holds beside its NUL.
const socketPathLimit = 107

func (r *reader) api(b *apiBlock, runtimeDir string) API {
	a := API{Socket: filepath.Join(runtimeDir, "api.sock"), Mode: 0o666}
	if b == nil {
		return a
	}
	a.Socket = r.path(b.Socket, a.Socket)
	if len(a.Socket) > socketPathLimit && b.Socket != nil {
		r.fault(b.Socket.Expr.Range(), "socket path is too long",
			fmt.Sprintf("It has %d bytes; a unix socket's path has at most %d.", len(a.Socket), socketPathLimit))
	}
	a.Mode = r.mode(b.Mode, a.Mode)
	a.Group = r.account(b.Group, false)
	r.laterAttr(b.CredentialSocket)
	return a
}

func (r *reader) seal(b *sealBlock) Seal {
	s := Seal{KeyFile: DefaultKeyFile}
	if b != nil {
		s.KeyFile = r.path(b.KeyFile, s.KeyFile)
	}
	return s
}
