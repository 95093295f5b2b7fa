package main

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

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
	flags   func(*pflag.FlagSet) // further flags; nil: none
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
	if o.flags != nil {
		o.flags(cmd.Flags())
	}
	return cmd
}

func newRefresh(c *console) *cobra.Command {
	var force bool
	return order{
		use:   "refresh GRANT [--force] [--json]",
		short: "Renew an access token now",
		long: `Renew the access token of a grant now, whenever it was due, and wait for the
outcome. Webex may well answer with the same token as before.

Webex counts the access tokens of an account and locks out one that holds too
many. So whom an allow block lets do this may do it once in min_interval, and
once a day where tokens live that long. Root and the daemon's own user may
always; admins of the grant may with --force.`,
		example: `  webex-tokend refresh ops
  webex-tokend refresh ops --force`,
		flags: func(f *pflag.FlagSet) {
			f.BoolVar(&force, "force", false, "also when it was refreshed a moment ago or today; for admins of the grant")
		},
		do: func(daemon *client.Client, ctx context.Context, grant string) (wire.Grant, error) {
			if force {
				return daemon.Refresh(ctx, grant, client.Force)
			}
			return daemon.Refresh(ctx, grant)
		},
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
