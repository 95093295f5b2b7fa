package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"webex-tokend/daemon/duration"
	"webex-tokend/daemon/publish"
)

func newToken(c *console) *cobra.Command {
	formats := []string{"raw", "json", "header", "env"}
	var minValid, format string
	cmd := &cobra.Command{
		Use:   "token GRANT [--min-valid DURATION] [--format FORMAT]",
		Short: "Print the current access token and nothing else",
		Long: `Print the access token in force. With --min-valid the daemon renews it first
when it has less time left; that may take half a minute.`,
		Example: `  webex-tokend token ops
  webex-tokend token ops --min-valid 10m
  webex-tokend token ops --format header | curl -H @- https://webexapis.com/v1/people/me`,
		Args:              oneGrant,
		ValidArgsFunction: c.completeGrant,
		RunE: func(cmd *cobra.Command, args []string) error {
			if !slices.Contains(formats, format) {
				return usage(cmd, "--format takes one of %s, not %q", strings.Join(formats, ", "), format)
			}
			left, err := duration.ParseLife(minValid)
			if err != nil {
				return usage(cmd, "--min-valid: %v", err)
			}
			return printToken(cmd, c, args[0], left, format)
		},
	}
	cmd.Flags().StringVar(&minValid, "min-valid", "0s", "how long the token has to be good for, as a `duration` like 10m or 1d")
	cmd.Flags().StringVar(&format, "format", "raw", "`format`: raw, json, header (for curl -H @-) or env")
	completeFlag(cmd, "format", formats)
	return cmd
}

func printToken(cmd *cobra.Command, c *console, grant string, minValid time.Duration, format string) error {
	daemon := c.daemon()
	defer daemon.Close()
	t, err := tokenFor(cmd.Context(), daemon, grant, minValid)
	if err != nil {
		return err
	}
	switch format {
	case "json":
		return json.NewEncoder(c.out).Encode(t)
	case "header":
		_, err = fmt.Fprintf(c.out, "Authorization: Bearer %s\n", t.AccessToken)
	case "env":
		// What is made for eval must not run what a server wrote into a token.
		var value string
		if value, err = publish.QuoteEnv(t.AccessToken); err == nil {
			_, err = fmt.Fprintf(c.out, "WEBEX_ACCESS_TOKEN=%s\n", value)
		}
	default:
		_, err = fmt.Fprintln(c.out, t.AccessToken)
	}
	return err
}
