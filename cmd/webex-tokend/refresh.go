package main

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"webex-tokend/daemon/client"
	"webex-tokend/daemon/wire"
)

// An order is a command that does one thing to one grant and tells in one line
// what came of it.
type order struct {
	use     string
	short   string
	long    string
	example string
	state   string // of grants that completion offers; empty: any
	do      func(*client.Client, context.Context, string) (wire.Grant, error)
	outcome func(g wire.Grant, now time.Time) string
}

func (o order) command(c *console) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:               o.use,
		Short:             o.short,
		Long:              o.long,
		Example:           o.example,
		Args:              oneGrant,
		ValidArgsFunction: c.completeGrantIn(o.state),
		RunE: func(cmd *cobra.Command, args []string) error {
			daemon := c.daemon()
			defer daemon.Close()
			g, err := o.do(daemon, cmd.Context(), args[0])
			if err != nil {
				return err
			}
			if asJSON {
				return json.NewEncoder(c.out).Encode(g)
			}
			_, err = fmt.Fprintf(c.out, "%s: %s\n", g.Name, o.outcome(g, time.Now()))
			return err
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "the grant afterwards, as JSON")
	return cmd
}

func newRefresh(c *console) *cobra.Command {
	return order{
		use:   "refresh GRANT [--json]",
		short: "Renew an access token now",
		long: `Renew the access token of a grant now, whenever it was due, and wait for the
outcome. Webex may well answer with the same token as before.`,
		example: `  webex-tokend refresh ops`,
		do:      (*client.Client).Refresh,
		outcome: func(g wire.Grant, now time.Time) string {
			return "refreshed, " + outlook(g, now)
		},
	}.command(c)
}

// outlook is what a grant has and what comes next, in one line.
func outlook(g wire.Grant, now time.Time) string {
	text := tokenLine(g, now)
	if g.RefreshDueAt != nil {
		text += ", next refresh " + distance(*g.RefreshDueAt, now)
	}
	if g.WindowEndsAt != nil {
		text += ", window ends " + date(*g.WindowEndsAt)
	}
	return text
}
