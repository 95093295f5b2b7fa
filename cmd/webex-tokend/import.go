package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"webex-tokend/daemon/client"
	"webex-tokend/daemon/tokenfile"
	"webex-tokend/daemon/wire"
)

func newImport(c *console) *cobra.Command {
	formats := []string{tokenfile.Auto, tokenfile.Response, tokenfile.WxcSDK, tokenfile.Wtr, tokenfile.RefreshToken, tokenfile.Static}
	var asJSON bool
	var many bulk
	var format, issuedAt string
	cmd := &cobra.Command{
		Use:   "import GRANT [FILE] [--format FORMAT] [--issued-at TIME] | import --bulk FILE",
		Short: "Register tokens that another tool obtained",
		Long: `Register a token response, or the token file of another tool, under a grant
that the configuration declares. Without FILE, or with "-", it is read from
stdin. Importing again does no harm: a refresh token that was seen before
changes nothing.

Lives count from the import unless --issued-at says when the response came; then
Webex is asked, where it can tell, when the access token really ends.

With --bulk, FILE holds a response a line, each with its grant:
  {"grant":"ops","access_token":"...","expires_in":1209599,"refresh_token":"..."}
Answered lines are stored; an import that was interrupted says how to go on.
--rejected writes the number, grant and error of each line that was not taken;
with --skip it adds to what the file has from before.`,
		Example: `  webex-tokend import ops response.json
  webex-tokend import ops tokens.yml --format wxc-sdk
  pass webex/ops | webex-tokend import ops --format refresh-token
  webex-tokend import --bulk grants.ndjson --rejected rejected.ndjson`,
		ValidArgsFunction: func(cmd *cobra.Command, args []string, begun string) ([]string, cobra.ShellCompDirective) {
			if len(args) == 1 {
				return nil, cobra.ShellCompDirectiveDefault
			}
			return c.completeGrant(cmd, args, begun)
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if many.file != "" {
				if len(args) > 0 || cmd.Flags().Changed("format") || cmd.Flags().Changed("issued-at") {
					return usage(cmd, "--bulk takes nothing beside its file; each line names its grant")
				}
				if many.skip < 0 {
					return usage(cmd, "--skip takes a number from 0")
				}
				many.asJSON = asJSON
				return importBulk(cmd.Context(), c, many)
			}
			if many.skip != 0 || many.rejected != "" {
				return usage(cmd, "--skip and --rejected belong to --bulk")
			}
			what := client.Import{Format: format}
			switch {
			case len(args) == 0 || len(args) > 2 || args[0] == "":
				return usage(cmd, "import takes the name of one grant and a file")
			case !slices.Contains(formats, format):
				return usage(cmd, "--format takes one of %s, not %q", strings.Join(formats, ", "), format)
			}
			if issuedAt != "" {
				var err error
				if what.IssuedAt, err = tokenfile.ParseIssuedAt(issuedAt); err != nil {
					return usage(cmd, "--issued-at: %v", err)
				}
			}
			content, err := c.open(append(args, "-")[1])
			if err != nil {
				return err
			}
			defer content.Close()
			// One byte more than the daemon takes, so that it can say so.
			what.Content = io.LimitReader(content, tokenfile.MaxSize+1)

			daemon := c.daemon()
			defer daemon.Close()
			imported, err := daemon.Import(cmd.Context(), args[0], what)
			if err != nil {
				return err
			}
			if asJSON {
				return json.NewEncoder(c.out).Encode(imported)
			}
			_, err = fmt.Fprintln(c.out, importLine(imported, time.Now()))
			for _, note := range imported.Notes {
				fmt.Fprintf(c.err, "note: %s\n", note)
			}
			return err
		},
	}
	cmd.Flags().StringVar(&format, "format", tokenfile.Auto, "`format`: "+strings.Join(formats, ", "))
	completeFlag(cmd, "format", formats)
	cmd.Flags().StringVar(&issuedAt, "issued-at", "", "`time` when the tokens were issued, RFC 3339 or seconds since 1970")
	cmd.Flags().StringVar(&many.file, "bulk", "", "a `file` with one response a line; \"-\" is stdin")
	cmd.Flags().IntVar(&many.skip, "skip", 0, "with --bulk, pass over `N` lines that are done")
	cmd.Flags().StringVar(&many.rejected, "rejected", "", "with --bulk, a `file` for the answers to lines that were not taken")
	cmd.Flags().BoolVar(&asJSON, "json", false, "as JSON")
	return cmd
}

func importLine(i wire.Imported, now time.Time) string {
	if i.Note != "" {
		return fmt.Sprintf("%s: %s: %s", i.Name, i.Result, i.Note)
	}
	return fmt.Sprintf("%s: %s, %s", i.Name, i.Result, outlook(i.Grant, now))
}

// open returns the file, or stdin for "-".
func (c *console) open(name string) (io.ReadCloser, error) {
	if name == "-" {
		if isTerminal(c.in) {
			fmt.Fprintln(c.err, "reading from the terminal; Ctrl-D ends it")
		}
		return io.NopCloser(c.in), nil
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, &failure{exitFailed, fmt.Errorf("read tokens: %w", err), rootHint(err)}
	}
	return f, nil
}
