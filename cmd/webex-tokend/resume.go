package main

import (
	"time"

	"github.com/spf13/cobra"

	"webex-tokend/daemon/client"
	"webex-tokend/daemon/wire"
	"webex-tokend/store"
)

func newResume(c *console) *cobra.Command {
	return order{
		use:     "resume GRANT [--json]",
		short:   "Renew a paused grant again",
		example: `  webex-tokend resume ops`,
		state:   string(store.Paused),
		do:      (*client.Client).Resume,
		outcome: func(g wire.Grant, now time.Time) string {
			return g.State + ", " + outlook(g, now)
		},
	}.command(c)
}
