package main

import (
	"time"

	"github.com/spf13/cobra"

	"webex-tokend/daemon/client"
	"webex-tokend/daemon/wire"
	"webex-tokend/store"
)

func newAdopt(c *console) *cobra.Command {
	return order{
		use:   "adopt GRANT [--json]",
		short: "Trust a grant that came back from a backup",
		long: `Trust a grant that is unverified because its store was put back from an older
copy: its refresh token is sent at the next due time. If the daemon had sent it
after the copy was made, and the server gives out a new one each time, the server
may end the grant; importing a new token response is the safe way.`,
		example: `  webex-tokend adopt ops`,
		state:   string(store.Unverified),
		do:      (*client.Client).Adopt,
		outcome: func(g wire.Grant, now time.Time) string {
			return g.State + ", " + outlook(g, now)
		},
	}.command(c)
}
