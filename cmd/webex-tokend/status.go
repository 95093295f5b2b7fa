package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"time"

	"github.com/spf13/cobra"

	"webex-tokend/daemon/address"
	"webex-tokend/daemon/client"
	"webex-tokend/daemon/verdict"
	"webex-tokend/daemon/wire"
)

// A statusCommand is one call of `status`.
type statusCommand struct {
	*console
	names  []string
	asJSON bool
	watch  bool
	limit  int  // rows; 0: all
	fit    bool // no more rows than the screen has lines for
}

func newStatus(c *console) *cobra.Command {
	s := &statusCommand{console: c}
	cmd := &cobra.Command{
		Use:   "status [GRANT...] [--json] [--watch] [--limit N]",
		Short: "Show grants, the most urgent first",
		Long: `Show what is healthy, what ends when, and who must act.

The first column marks a grant that needs attention now with "!", one that does
soon or should be looked at with "*", one that the daemon is working on with "~",
and one that is paused with "-". The commands of those come with them. TOKEN is how
long the access token still works, REFRESH when it is renewed. WINDOW is how
long the refresh token still works: it "slides" when every renewal extends it,
is "fixed" when only a new consent does, and "?" is not known yet; of a static
token it is the token's own end. "~" before a time says that it is assumed. One
grant alone is shown in detail.`,
		Example: `  webex-tokend status
  webex-tokend status ops
  webex-tokend status --json | jq -r '.grants[] | select(.state != "ok") | .name'`,
		ValidArgsFunction: c.completeGrants,
		RunE: func(cmd *cobra.Command, args []string) error {
			s.names = args
			switch {
			case s.limit < 0:
				return usage(cmd, "--limit takes a number from 0, not %d", s.limit)
			case s.watch && s.asJSON:
				return usage(cmd, "--watch draws a table; for a program there is the route /v1/events")
			case s.watch && !screenOf(c.out).terminal:
				return usage(cmd, "--watch needs a terminal")
			}
			if !s.asJSON && !cmd.Flags().Changed("limit") {
				s.limit, s.fit = 100, len(args) == 0
			}
			return s.run(cmd.Context())
		},
	}
	cmd.Flags().BoolVar(&s.asJSON, "json", false, "as JSON, all pages joined")
	cmd.Flags().BoolVar(&s.watch, "watch", false, "stay, and draw anew when something happens")
	cmd.Flags().IntVar(&s.limit, "limit", 0, "show at most `N` grants, 0 for all (default what the screen holds, 100 in a pipe, all with --json)")
	return cmd
}

func (s *statusCommand) run(ctx context.Context) error {
	daemon := s.daemon()
	defer daemon.Close()
	switch {
	case s.asJSON:
		return s.writeJSON(ctx, daemon)
	case s.watch:
		return s.follow(ctx, daemon)
	}
	return s.draw(ctx, daemon, s.out, screenOf(s.out))
}

// grants yields the named grants, or all, the most urgent first.
func (s *statusCommand) grants(ctx context.Context, daemon *client.Client) iter.Seq2[wire.Grant, error] {
	if len(s.names) == 0 {
		page := 1000
		if s.limit > 0 {
			page = min(page, s.limit)
		}
		return daemon.AllGrants(ctx, client.Query{Limit: page})
	}
	return func(yield func(wire.Grant, error) bool) {
		for _, name := range s.names {
			if g, err := daemon.Grant(ctx, name); !yield(g, err) || err != nil {
				return
			}
		}
	}
}

// writeJSON writes the object of GET /v1/grants with its pages joined, grant by
// grant: a large fleet does not have to fit into memory.
func (s *statusCommand) writeJSON(ctx context.Context, daemon *client.Client) error {
	separator, n := `{"grants":[`, 0
	for g, err := range s.grants(ctx, daemon) {
		if err != nil {
			return err
		}
		body, err := json.Marshal(g)
		if err != nil {
			return fmt.Errorf("encode grant: %w", err)
		}
		if _, err := fmt.Fprintf(s.out, "%s%s", separator, body); err != nil {
			return fmt.Errorf("write status: %w", err)
		}
		separator = ",\n"
		if n++; n == s.limit {
			break
		}
	}
	if n == 0 {
		fmt.Fprint(s.out, separator)
	}
	_, err := fmt.Fprintln(s.out, `],"next":""}`)
	return err
}

// draw shows one picture of the present.
func (s *statusCommand) draw(ctx context.Context, daemon *client.Client, w io.Writer, on screen) error {
	now := time.Now()
	if len(s.names) == 1 {
		g, err := daemon.Grant(ctx, s.names[0])
		if err != nil {
			return err
		}
		return drawGrant(w, on, g, now)
	}
	sum, err := daemon.Status(ctx)
	if err != nil {
		return err
	}
	var shown []wire.Grant
	for g, err := range s.grants(ctx, daemon) {
		if err != nil {
			return err
		}
		if shown = append(shown, g); len(shown) == s.limit {
			break
		}
	}
	rest := 0
	if len(s.names) == 0 {
		rest = sum.Grants - len(shown)
	}
	if !s.fit {
		on.height = 0
	}
	picture, err := drawFleet(on, sum, shown, rest, now)
	if err != nil {
		return err
	}
	if sum.Grants == 0 {
		picture = append(picture, firstSteps(s.config)...)
	}
	_, err = w.Write(picture)
	return err
}

// firstSteps are what comes before there is any grant.
func firstSteps(config string) string {
	of := ""
	if config != address.UsualConfig() {
		of = " --config " + config
	}
	return fmt.Sprintf("  next: %s init%s\n    or: add a block grant \"NAME\" to %s\n", invocation(), of, config)
}

// fewest is how many rows stand even on a screen that they do not fit.
const fewest = 5

// drawFleet draws the headline and a table, of which the end is left out where
// the screen has no lines for it: the urgent ones must not scroll away.
func drawFleet(on screen, sum wire.Status, shown []wire.Grant, rest int, now time.Time) ([]byte, error) {
	for {
		picture, err := drawRows(on, sum, shown, rest, now)
		// The last line is the prompt's. A row takes three lines at most.
		excess := bytes.Count(picture, []byte("\n")) - (on.height - 1)
		if err != nil || on.height == 0 || excess <= 0 || len(shown) <= fewest {
			return picture, err
		}
		less := min((excess+2)/3, len(shown)-fewest)
		shown, rest = shown[:len(shown)-less], rest+less
	}
}

func drawRows(on screen, sum wire.Status, shown []wire.Grant, rest int, now time.Time) ([]byte, error) {
	var b bytes.Buffer
	fmt.Fprintln(&b, on.paint(bold, on.wrap(headline(sum, now), 0)))
	if k := sum.Keeper; k.StoreError != "" {
		fmt.Fprintln(&b, on.paint(red, on.wrap("the store refuses to be written, nothing is refreshed: "+k.StoreError, 0))+"\n  next: "+k.Action)
	}
	for _, t := range verdict.OfHosts(sum) {
		colour := yellow
		if t.Level == verdict.Critical {
			colour = red
		}
		fmt.Fprintln(&b, on.paint(colour, on.wrap(t.Text, 0))+"\n  next: "+t.Action)
	}
	if why := sum.Keeper.DiskError; why != "" {
		fmt.Fprintln(&b, on.paint(yellow, on.wrap("little room on the disk of the store: "+why, 0)))
	}
	if why := sum.Keeper.PagesError; why != "" {
		fmt.Fprintln(&b, on.paint(yellow, on.wrap(why, 0)))
	}
	if f := sum.FailingOutputs; f.Count > 0 {
		fmt.Fprintln(&b, on.paint(yellow, on.wrap(failingOutputs(f), 0))+"\n  next: webex-tokend status "+f.Grants[0])
	}
	if why := sum.Keeper.ConfigError; why != "" {
		fmt.Fprintln(&b, on.paint(yellow, on.wrap("the saved configuration is refused, the one before is in force: "+why, 0))+"\n  next: webex-tokend reload")
	}
	if why := sum.Keeper.AlertError; why != "" {
		fmt.Fprintln(&b, on.paint(yellow, on.wrap("alerts do not arrive by "+why, 0)))
	}
	if f := judgeKey(sum.StoreKey); f.text != "" {
		fmt.Fprintln(&b, on.paint(red, on.wrap(f.text, 0))+"\n  while it runs: webex-tokend key recovery --out FILE")
	}
	if len(shown) > 0 {
		fmt.Fprintln(&b)
		if err := drawTable(&b, on, shown, now); err != nil {
			return nil, err
		}
	}
	if rest > 0 {
		fmt.Fprintf(&b, "\nand %d more: webex-tokend status --limit 0\n", rest)
	}
	return b.Bytes(), nil
}
