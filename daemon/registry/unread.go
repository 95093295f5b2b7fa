package registry

import (
	"context"
	"encoding/base64"
	"fmt"
	"unicode/utf8"

	"webex-tokend/daemon/refusal"
	"webex-tokend/daemon/wire"
)

// Unread returns the last answer of a grant that could not be read. A human may
// find the refresh token in it, which the server may take for the current one.
func (g *Registry) Unread(ctx context.Context, name string) (wire.Unread, error) {
	stored, err := g.cfg.States.Read(ctx, g.cfg.Config(), name)
	if err != nil {
		return wire.Unread{}, err
	}
	if stored.Record.Unread == nil {
		return wire.Unread{}, &refusal.Error{Kind: refusal.Conflict, Detail: fmt.Sprintf("grant %s has no answer that could not be read", name)}
	}
	u := wire.Unread{Grant: name, At: stored.Unread.At, Body: stored.Unread.Body.Reveal(), Encoding: "text"}
	if !utf8.ValidString(u.Body) {
		u.Encoding, u.Body = "base64", base64.StdEncoding.EncodeToString([]byte(u.Body))
	}
	return u, nil
}
