package main

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"webex-tokend/daemon/wire"
)

func newUnread(c *console) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "unread GRANT [--json]",
		Short: "Show an answer that could not be read",
		Long: `Print the last answer of the token endpoint that could not be read, as it came:
it may hold the only copy of a refresh token. Whoever finds the token in it
imports it; the server may have retired the one before. The answer is kept,
sealed, until a refresh brings a refresh token that can be read, at most 30
days. On a terminal, what is unprintable is escaped.`,
		Example: `  webex-tokend unread ops >answer
  webex-tokend unread ops --json
  webex-tokend import ops --format refresh-token <token`,
		Args:              oneGrant,
		ValidArgsFunction: c.completeGrant,
		RunE: func(cmd *cobra.Command, args []string) error {
			daemon := c.daemon()
			defer daemon.Close()
			u, err := daemon.Unread(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			if asJSON {
				return json.NewEncoder(c.out).Encode(u)
			}
			return c.showUnread(u, time.Now())
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "as JSON, in base64 where the answer is no UTF-8")
	return cmd
}

func (c *console) showUnread(u wire.Unread, now time.Time) error {
	body := []byte(u.Body)
	if u.Encoding == "base64" {
		var err error
		if body, err = base64.StdEncoding.DecodeString(u.Body); err != nil {
			return fmt.Errorf("decode answer: %w", err)
		}
	}
	if screenOf(c.out).terminal {
		body = []byte(strconv.Quote(string(body)) + "\n")
	}
	if _, err := c.out.Write(body); err != nil {
		return err
	}
	fmt.Fprintf(c.err, "\nthis answer came %s and could not be read; next, with the refresh token in it:\n  webex-tokend import %s --format refresh-token <token\n",
		distance(u.At, now), u.Grant)
	return nil
}
