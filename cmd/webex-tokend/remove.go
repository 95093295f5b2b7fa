package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
)

func newRemove(c *console) *cobra.Command {
	var yes bool
	cmd := &cobra.Command{
		Use:   "remove GRANT [--yes]",
		Short: "Forget a grant, its tokens and its files",
		Long: `Forget a grant: its tokens go from the store, its files are deleted. Webex is
not told; the refresh token goes on working for whoever else has it. A seed
does not bring the grant back, an import does.`,
		Example: `  webex-tokend remove ops
  webex-tokend remove ops --yes`,
		Args:              oneGrant,
		ValidArgsFunction: c.completeGrant,
		RunE: func(cmd *cobra.Command, args []string) error {
			if !yes && isTerminal(c.in) {
				if err := c.confirm(args[0]); err != nil {
					return err
				}
			}
			daemon := c.daemon()
			defer daemon.Close()
			if err := daemon.Remove(cmd.Context(), args[0]); err != nil {
				return err
			}
			_, err := fmt.Fprintf(c.out, "%s: removed\n", args[0])
			return err
		},
	}
	cmd.Flags().BoolVarP(&yes, "yes", "y", false, "do not ask")
	return cmd
}

// confirm asks on the terminal; a script is taken at its word.
func (c *console) confirm(grant string) error {
	fmt.Fprintf(c.err, "Remove %s with its tokens and files? Type its name: ", grant)
	line, err := bufio.NewReader(c.in).ReadString('\n')
	if err != nil && err != io.EOF {
		return fmt.Errorf("read answer: %w", err)
	}
	if strings.TrimSpace(line) != grant {
		return errors.New("nothing removed")
	}
	return nil
}
