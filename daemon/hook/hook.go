// Package hook tells other programs that a new token is in place: it runs a
// command, or signals the process whose number stands in a file.
//
// It promises that no shell is involved, that a command gets nothing of the
// daemon but what News says, neither environment nor descriptors, and that
// nothing of it is left when its time is up. Errors hold no token.
package hook

import (
	"context"

	"webex-tokend/daemon/config"
	"webex-tokend/store"
)

// News is passed to a hook.
type News struct {
	Grant      string
	Generation uint64       // of the token
	Path       string       // of the first file that holds it; empty: there is none
	Token      store.Secret // for commands that ask for it
}

// Run tells it by one hook and waits for the command to end. When ctx ends
// first, the command is killed. Whoever calls it again after an error must
// expect that the program was told before.
func Run(ctx context.Context, h config.Hook, n News) error {
	if h.PIDFile != "" {
		return send(h.PIDFile, h.Signal)
	}
	return program(h, n).Run(ctx)
}
