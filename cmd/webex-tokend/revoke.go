package main

import (
	"encoding/json"
	"fmt"

	"github.com/spf13/cobra"
)

func newRevoke(c *console) *cobra.Command {
	var yes, asJSON bool
	cmd := &cobra.Command{
		Use:   "revoke GRANT [--yes] [--json]",
		Short: "End a grant at the broker, and forget it",
		Long: `End the tokens of a grant at the broker, then forget the grant as remove does.
When the broker does not confirm, nothing here changes and the command fails:
"unsupported" is a broker that revokes nothing, "unknown" one that refused or
did not answer. Another program that was given the same refresh token loses it
as well. It cannot be undone, so it asks first on a terminal; a script is taken
at its word.`,
		Example: `  webex-tokend revoke ops
  webex-tokend revoke ops --yes --json`,
		Args:              oneGrant,
		ValidArgsFunction: c.completeGrant,
		RunE: func(cmd *cobra.Command, args []string) error {
			if !yes && isTerminal(c.in) {
				question := "Revoke " + args[0] + " at the broker for good, and remove it with its tokens and files?"
				if err := c.confirm(question, "its name", args[0], "nothing revoked"); err != nil {
					return err
				}
			}
			daemon := c.daemon()
			defer daemon.Close()
			r, err := daemon.Revoke(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			if asJSON {
				if err := json.NewEncoder(c.out).Encode(r); err != nil {
					return err
				}
			}
			if r.Result != "revoked" {
				return &failure{exitFailed, fmt.Errorf("grant %s is not revoked, %s: %s", r.Grant, r.Result, r.Detail),
					"to forget it here all the same: webex-tokend remove " + r.Grant}
			}
			if !asJSON {
				_, err = fmt.Fprintf(c.out, "%s: revoked, %s\n", r.Grant, r.Detail)
			}
			return err
		},
	}
	cmd.Flags().BoolVarP(&yes, "yes", "y", false, "do not ask")
	cmd.Flags().BoolVar(&asJSON, "json", false, "what the broker said, as JSON")
	return cmd
}
