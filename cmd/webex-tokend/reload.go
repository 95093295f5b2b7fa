package main

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/spf13/cobra"

	"webex-tokend/daemon/client"
)

func newReload(c *console) *cobra.Command {
	return &cobra.Command{
		Use:   "reload",
		Short: "Make the daemon read its configuration again",
		Long: `Make the daemon read its configuration again, as SIGHUP and saving the file do.
A configuration with faults changes nothing.`,
		Example: `  webex-tokend validate && webex-tokend reload`,
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			daemon := c.daemon()
			defer daemon.Close()
			err := daemon.Reload(cmd.Context())
			if p, ok := errors.AsType[*client.Problem](err); ok && p.Status == http.StatusUnprocessableEntity {
				return &failure{exitUsage, err, "nothing has changed; see: webex-tokend validate"}
			}
			if err != nil {
				return err
			}
			_, err = fmt.Fprintln(c.out, "reloaded")
			return err
		},
	}
}
