package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"

	"github.com/spf13/cobra"

	"webex-tokend/daemon/client"
	"webex-tokend/store/seal"
)

func newKeyRecovery(c *console) *cobra.Command {
	var out string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "recovery [--out FILE] [--json]",
		Short: "Make a second key, for the day the first one is lost",
		Long: `Make another wrapping key that opens the store, and show it this once: on a
terminal, or in a new file. Keep it away from this host. It serves in the place
of the first one: write it into the key file, and start the daemon.`,
		Example: `  webex-tokend key recovery
  webex-tokend key recovery --out /media/usb/store.key`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if out == "" && !asJSON && !screenOf(c.out).terminal {
				return usage(cmd, "a key is shown on a terminal only; name a new file by --out, or ask for --json")
			}
			if _, err := os.Lstat(out); out != "" && err == nil {
				return &failure{exitFailed, fmt.Errorf("%s is there already", out), "name a new file by --out"}
			}
			daemon := c.daemon()
			defer daemon.Close()
			made, err := daemon.RecoveryKey(cmd.Context())
			if p, ok := errors.AsType[*client.Problem](err); ok && p.Status == http.StatusConflict {
				return &failure{exitFailed, err, "take one out that nobody needs, by its ID: webex-tokend key slots, webex-tokend key forget KEY"}
			}
			if err != nil {
				return err
			}
			if out != "" {
				key, err := seal.ParseKey(made.Key)
				if err == nil {
					err = seal.WriteKey(out, key)
				}
				if err != nil {
					return &failure{exitFailed, err, "nobody has that key; before you make another one: webex-tokend key forget " + made.ID}
				}
				made.Key = ""
			}
			switch {
			case asJSON:
				return json.NewEncoder(c.out).Encode(made)
			case out != "":
				fmt.Fprintf(c.out, "made %s, key %s; take it away from this host\n", out, made.ID)
			default:
				fmt.Fprintf(c.out, "%s\n\nThis is shown once. Keep it away from this host.\n", made.Key)
				// Not with the key, so that what keeps it keeps nothing else.
				fmt.Fprintf(c.err, "Its ID, for key slots and key forget: %s\n", made.ID)
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&out, "out", "", "new `file` for the key")
	cmd.Flags().BoolVar(&asJSON, "json", false, "as JSON")
	return cmd
}
