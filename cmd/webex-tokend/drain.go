package main

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"webex-tokend/daemon/wire"
)

func newDrain(c *console) *cobra.Command {
	var away string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "drain --for DURATION [--json]",
		Short: "Renew what gains from it before planned maintenance",
		Long: `Renew, before nothing is renewed for a while, each token that would expire
meanwhile when a fresh one would not, and each grant whose window would end
meanwhile and slides. Where Webex asks for patience, it waits. It ends with 1
when a grant could not be renewed.`,
		Example: `  webex-tokend drain --for 9d
  webex-tokend forecast --outage 9d`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if away == "" {
				return usage(cmd, "drain takes --for, how long nothing will be renewed, such as 9d")
			}
			daemon := c.daemon()
			defer daemon.Close()
			lines := json.NewEncoder(c.out)
			var last wire.Drained
			for d, err := range daemon.Drain(cmd.Context(), away) {
				if err != nil {
					return err
				}
				last = d
				switch {
				case asJSON:
					err = lines.Encode(d)
				case d.Grant != "":
					_, err = fmt.Fprintf(c.out, "%d/%d %s: %s\n", d.Done, d.Of, d.Grant, drainedLine(d))
				default:
					_, err = fmt.Fprintf(c.out, "%s gained, %d failed\n", plural(d.Refreshed, "grant"), d.Failed)
				}
				if err != nil {
					return fmt.Errorf("write progress: %w", err)
				}
			}
			if last.Failed > 0 {
				return &failure{exitFailed, errors.New("not every grant could be renewed"), "see: webex-tokend status"}
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&away, "for", "", "how long nothing will be renewed, a `DURATION` such as 9d")
	cmd.Flags().BoolVar(&asJSON, "json", false, "progress as JSON, one object a line")
	return cmd
}

func drainedLine(d wire.Drained) string {
	if d.Error != "" {
		return d.Error
	}
	return "refreshed"
}
