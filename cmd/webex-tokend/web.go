package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"github.com/spf13/cobra"

	"webex-tokend/daemon/client"
)

func newWeb(c *console) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "web [--json]",
		Short: "Print a link that opens the web pages",
		Long: `Print a link that opens the daemon's web pages in a browser, once, within five
minutes. Whoever opens it sees and may do what you may; the session lasts twelve
hours. Where the pages listen on loopback alone, reach them from elsewhere by a
tunnel: ssh -L 8411:127.0.0.1:8411 HOST`,
		Example: `  webex-tokend web
  xdg-open "$(webex-tokend web)"`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			daemon := c.daemon()
			defer daemon.Close()
			door, err := daemon.Web(cmd.Context())
			if p, ok := errors.AsType[*client.Problem](err); ok && p.Status == http.StatusConflict {
				return &failure{exitFailed, err, "the config needs an http block, and its port has to be free"}
			}
			if err != nil {
				return err
			}
			if asJSON {
				return json.NewEncoder(c.out).Encode(door)
			}
			_, err = fmt.Fprintln(c.out, door.URL)
			return err
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "the link and when it expires, as JSON")
	return cmd
}
