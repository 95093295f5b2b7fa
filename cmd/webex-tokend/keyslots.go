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

func newKeySlots(c *console) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "slots [--json]",
		Short: "List the keys that open the store",
		Long: `List the wrapping keys that open the store, each by the ID that key recovery
showed when it was made, and the one that the running daemon opened it with.
There is room for 16; key forget takes one out.`,
		Example: `  webex-tokend key slots`,
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			daemon := c.daemon()
			defer daemon.Close()
			found, err := daemon.KeySlots(cmd.Context())
			if err != nil {
				return err
			}
			if asJSON {
				return json.NewEncoder(c.out).Encode(found)
			}
			return drawSlots(c.out, found.Slots)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "as JSON")
	return cmd
}

func drawSlots(w io.Writer, slots []wire.KeySlot) error {
	table := tabwriter.NewWriter(w, 0, 0, gap, ' ', 0)
	fmt.Fprintln(table, "KEY\tMADE\tKIND\tUSED BY")
	for _, s := range slots {
		made, kind, by := "-", "-", "-"
		if s.Made != nil {
			made = s.Made.Local().Format(time.DateTime)
		}
		if s.Kind != "" {
			kind = s.Kind
		}
		if s.Own {
			by = "the daemon"
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\n", s.ID, made, kind, by)
	}
	return table.Flush()
}
