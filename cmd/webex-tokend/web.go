package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/spf13/cobra"

	"webex-tokend/daemon/client"
)

func newWeb(c *console) *cobra.Command {
	var asJSON, open bool
	cmd := &cobra.Command{
		Use:   "web [--open] [--json]",
		Short: "Open the web pages, or print a link that opens them",
		Long: `Print a link that opens the daemon's web pages in a browser, once, within five
minutes. Whoever opens it sees and may do what you may; the session lasts twelve
hours. On a terminal of a desktop the browser opens too, and with --open in any
case; other users of the host do not get to see the link by that, as they would
in the arguments of a command. Where the pages listen on loopback alone, reach
them from elsewhere by a tunnel: ssh -L 8411:127.0.0.1:8411 HOST`,
		Example: `  webex-tokend web
  webex-tokend web --open`,
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
			if _, err = fmt.Fprintln(c.out, door.URL); err != nil {
				return err
			}
			if open || screenOf(c.out).terminal && hasBrowser() {
				return browseTo(cmd.Context(), door.URL)
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&open, "open", false, "open the browser, where there is a desktop")
	cmd.Flags().BoolVar(&asJSON, "json", false, "the link and when it expires, as JSON")
	return cmd
}

// browseTo opens the browser on a link and stays until that has it.
func browseTo(ctx context.Context, link string) error {
	if !hasBrowser() {
		return &failure{exitFailed, errNoBrowser, "open the link above by hand"}
	}
	h, err := showInBrowser(ctx, link)
	if err != nil {
		return &failure{exitFailed, err, "open the link above by hand"}
	}
	defer h.close()
	const patience = time.Minute
	select {
	case <-h.served:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(patience):
		return &failure{exitFailed, errors.New("no browser came for the link"), "open the link above by hand"}
	}
}
