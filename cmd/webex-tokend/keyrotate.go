package main

import (
	"encoding/json"
	"fmt"

	"github.com/spf13/cobra"

	"webex-tokend/daemon/wire"
)

func newKeyRotate(c *console) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "rotate [--json]",
		Short: "Seal everything by a new key",
		Long: `Make a new key inside the store, seal every record by it and drop the old one.
The daemon does that beside its work and goes on after a restart; ending this
command only ends the looking on. Wrapping keys stay as they are, and so do
backups: each holds the keys that it needs.`,
		Example: `  webex-tokend key rotate`,
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			daemon := c.daemon()
			defer daemon.Close()
			bar := newProgress(c.err)
			defer bar.end()
			var last wire.Rotation
			for now, err := range daemon.RotateKey(cmd.Context()) {
				if err != nil {
					return err
				}
				last = now
				bar.show(int64(now.Records), int64(now.Of), "%d of %s", now.Records, plural(now.Of, "record"))
				if asJSON {
					if err := json.NewEncoder(c.out).Encode(now); err != nil {
						return err
					}
				}
			}
			bar.end()
			switch {
			case last.Kept != "":
				return &failure{exitFailed, fmt.Errorf("rotate key: %s", last.Kept), "see: webex-tokend status; import them anew, then rotate again"}
			case !last.Done:
				return &failure{exitFailed, fmt.Errorf("the daemon ended before the rotation did"), "it goes on at the next start"}
			case !asJSON:
				fmt.Fprintf(c.out, "rotated, %s sealed by a new key\n", plural(last.Records, "record"))
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "the progress, one JSON object a line")
	return cmd
}
