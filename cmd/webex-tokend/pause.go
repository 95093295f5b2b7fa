package main

import (
	"time"

	"github.com/spf13/cobra"

	"webex-tokend/daemon/client"
	"webex-tokend/daemon/wire"
)

func newPause(c *console) *cobra.Command {
	return order{
		use:   "pause GRANT [--json]",
		short: "Stop renewing a grant",
		long: `Stop renewing a grant until it is resumed. Its token stays where it is
published, and its refresh window goes on running out.`,
		example: `  webex-tokend pause ops`,
		do:      (*client.Client).Pause,
		outcome: func(g wire.Grant, now time.Time) string {
			text := "paused, " + tokenLine(g, now)
			if g.WindowEndsAt != nil {
				text += "; resume it before its window ends on " + date(*g.WindowEndsAt)
			}
			return text
		},
	}.command(c)
}
