package main

import (
	"encoding/json"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"webex-tokend/daemon/wire"
)

func newHosts(c *console) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "hosts [--json]",
		Short: "List the hosts that share the store",
		Long: `List the hosts that share the store over etcd. One of them is in office: it does
what happens by itself, refreshes above all. The others serve tokens from their
own copies, and one of them takes over when it is lost.`,
		Example: `  webex-tokend hosts
  webex-tokend hosts yield
  webex-tokend hosts forget int-3`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			daemon := c.daemon()
			defer daemon.Close()
			found, err := daemon.Hosts(cmd.Context())
			if err != nil {
				return err
			}
			if asJSON {
				return json.NewEncoder(c.out).Encode(found)
			}
			if len(found.Hosts) == 0 {
				fmt.Fprintln(c.out, "the store is a file of this host; see store in webex-tokend.hcl(5)")
				return nil
			}
			return drawHosts(c.out, found.Hosts)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "as JSON")
	yield := newHostsYield(c)
	yield.DisableFlagsInUseLine = true
	cmd.AddCommand(yield, newHostsForget(c))
	return cmd
}

func drawHosts(w io.Writer, hosts []wire.Host) error {
	table := tabwriter.NewWriter(w, 0, 0, gap, ' ', 0)
	fmt.Fprintln(table, "HOST\tROLE\tSINCE\tRULES\tCOPY\tOUTPUTS\tCLOCK\tBUILD")
	for _, h := range hosts {
		if h.Since == nil {
			fmt.Fprintf(table, "%s\taway\t-\t-\t-\t-\t-\tlast seen %s\n", h.Name, h.LastSeenAt.Local().Format(time.DateTime))
			continue
		}
		role, copied, outputs, clock := "serves", "follows", "fine", "agrees"
		if h.Office {
			role = "in office"
		}
		if h.CopyLagSeconds > 0 {
			copied = fmt.Sprintf("%.0f s behind", h.CopyLagSeconds)
		}
		if h.OutputsFailing > 0 {
			outputs = plural(h.OutputsFailing, "grant") + " behind"
		}
		if h.ClockSkewSeconds != 0 {
			clock = fmt.Sprintf("%+.0f s", h.ClockSkewSeconds)
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", h.Name, role, h.Since.Local().Format(time.DateTime), h.Rules, copied, outputs, clock, h.Build)
	}
	return table.Flush()
}

func newHostsYield(c *console) *cobra.Command {
	return &cobra.Command{
		Use:   "yield",
		Short: "Hand the office over to another host, before maintenance",
		Long: `Let another host do what happens by itself. This host ends what it has sent,
serves on, and does not take the office again for five minutes while another host
is there.`,
		Example: `  webex-tokend hosts yield && systemctl stop webex-tokend`,
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			daemon := c.daemon()
			defer daemon.Close()
			return daemon.YieldOffice(cmd.Context())
		},
	}
}

func newHostsForget(c *console) *cobra.Command {
	return &cobra.Command{
		Use:   "forget HOST",
		Short: "Give up a host that never comes back",
		Long: `Say that a host which is away never comes back with the answers that may lie on
its disk. What it left open is taken over at once then, and keys are rotated
without it. When it comes back all the same it is a new host.`,
		Example: `  webex-tokend hosts forget int-3`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usage(cmd, "hosts forget takes the name of one host")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			daemon := c.daemon()
			defer daemon.Close()
			return daemon.ForgetHost(cmd.Context(), args[0])
		},
	}
}
