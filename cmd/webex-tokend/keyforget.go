package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"sync"

	"github.com/spf13/cobra"

	"webex-tokend/daemon/client"
)

func newKeyForget(c *console) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "forget KEY [--json]",
		Short: "Let a key open the store no more",
		Long: `Take a wrapping key that is lost, or that somebody else may have, from the store
by its ID, as key slots shows it. The key that the daemon works with, and the
one in its key file, stay.

Copies of the store from before still open with that key. Whoever may have both
is locked out of later ones only when all keys but the daemon's own are
forgotten and key rotate has run after that; then make a new recovery key.`,
		Example: `  webex-tokend key slots
  webex-tokend key forget 0f6a1c22d93b48e7`,
		ValidArgsFunction: c.completeKey,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usage(cmd, "key forget takes the ID of one key")
			}
			if !keyID().MatchString(args[0]) {
				// It may be the key itself, so it is not repeated.
				return usage(cmd, "that is not the ID of a key, which has 16 hexadecimal digits")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			daemon := c.daemon()
			defer daemon.Close()
			left, err := daemon.ForgetKey(cmd.Context(), args[0])
			if p, ok := errors.AsType[*client.Problem](err); ok && (p.Status == http.StatusNotFound || p.Status == http.StatusConflict) {
				return &failure{exitFailed, err, "see: webex-tokend key slots"}
			}
			if err != nil {
				return err
			}
			if asJSON {
				return json.NewEncoder(c.out).Encode(left)
			}
			_, err = fmt.Fprintf(c.out, "forgot key %s, %s left\n", args[0], plural(len(left.Slots), "key"))
			return err
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "the keys that are left, as JSON")
	return cmd
}

var keyID = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^[0-9a-f]{16}$`)
})
