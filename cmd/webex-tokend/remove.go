package main

import (
	"fmt"

	"github.com/spf13/cobra"
)

func newRemove(c *console) *cobra.Command {
	var yes bool
	cmd := &cobra.Command{
		Use:   "remove GRANT [--yes]",
		Short: "Forget a grant, its tokens and its files",
		Long: `Forget a grant: its tokens go from the store, its files are deleted. Webex is
not told; the refresh token goes on working for whoever else has it. A seed
does not bring the grant back, an import does. It asks only on a terminal: where
stdin is none, a script is taken at its word.`,
		Example: `  webex-tokend remove ops
  webex-tokend remove ops --yes`,
		Args:              oneGrant,
		ValidArgsFunction: c.completeGrant,
		RunE: func(cmd *cobra.Command, args []string) error {
			if !yes && isTerminal(c.in) {
				if err := c.confirm("Remove "+args[0]+" with its tokens and files?", "its name", args[0], "nothing removed"); err != nil {
					return err
				}
			}
			daemon := c.daemon()
			defer daemon.Close()
			if err := daemon.Remove(cmd.Context(), args[0]); err != nil {
				return err
			}
			_, err := fmt.Fprintf(c.out, "%s: removed\n", args[0])
			return err
		},
	}
	cmd.Flags().BoolVarP(&yes, "yes", "y", false, "do not ask")
	return cmd
}
