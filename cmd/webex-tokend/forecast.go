package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"webex-tokend/daemon/client"
	"webex-tokend/daemon/verdict"
	"webex-tokend/daemon/wire"
)

func newForecast(c *console) *cobra.Command {
	var o client.Outlook
	var from string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "forecast [--outage DURATION] [--from DATE] [--days N] [--endpoint-down] [--json]",
		Short: "Tell what an outage would do to each grant",
		Long: `Run the schedule ahead through an outage in which the daemon is away, or, with
--endpoint-down, in which it runs and Webex does not answer. Answers are taken to
say what the last one said; a window of which it is not known yet whether it
slides is taken for fixed. Nothing is sent and nothing is changed.

A grant is "lost" when the outage ends its window, "ends" when its window or its
token ends by then anyway, "waits" when a human is needed already, "undecided"
when nothing is registered. DATE is the day of that; of one that waits, since
when. NO TOKEN is for how long no live access token is there, from the begin of
the outage on. The sign before a grant is that of
status, and ! for one that the outage costs.`,
		Example: `  webex-tokend forecast --outage 9d
  webex-tokend forecast --outage 3d --from 2026-12-24 --days 60
  webex-tokend forecast --outage 9d --json | jq .longest`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if o.Days < 1 {
				return usage(cmd, "--days takes a number from 1, not %d", o.Days)
			}
			if from != "" {
				var err error
				if o.From, err = parseDate(from); err != nil {
					return usage(cmd, "--from takes a date such as 2026-12-24 or an instant such as 2026-12-24T18:00:00Z, not %q", from)
				}
			}
			daemon := c.daemon()
			defer daemon.Close()
			f, err := daemon.Forecast(cmd.Context(), o)
			if err != nil {
				return err
			}
			if asJSON {
				return json.NewEncoder(c.out).Encode(f)
			}
			return drawForecast(c.out, screenOf(c.out), f)
		},
	}
	cmd.Flags().StringVar(&o.Outage, "outage", "", "how long nothing is refreshed, a `DURATION` such as 9d")
	cmd.Flags().StringVar(&from, "from", "", "the `DATE` on which it begins (default now)")
	cmd.Flags().IntVar(&o.Days, "days", 120, "look `N` days ahead")
	cmd.Flags().BoolVar(&o.EndpointDown, "endpoint-down", false, "the daemon runs and Webex does not answer")
	cmd.Flags().BoolVar(&asJSON, "json", false, "as JSON")
	return cmd
}

// parseDate reads a day, which begins where the operator is, or an instant.
func parseDate(text string) (time.Time, error) {
	if t, err := time.ParseInLocation(time.DateOnly, text, time.Local); err == nil {
		return t, nil
	}
	return time.Parse(time.RFC3339, text)
}

func drawForecast(w io.Writer, on screen, f wire.Forecast) error {
	out := bufio.NewWriter(w)
	fmt.Fprintln(out, on.paint(bold, on.wrap(foretell(f), 0)))
	if first := f.FirstLost(); first != nil {
		fmt.Fprintln(out, on.paint(red, on.wrap(fmt.Sprintf("Lost first: %s on %s, when its window ends without a refresh.", first.Grant, date(*first.At)), 0)))
	}
	if f.Longest != nil {
		fmt.Fprintln(out, on.wrap(fmt.Sprintf("An outage that begins %s may last %s before %s is lost.",
			minute(f.From), span(f.Longest.At.Sub(f.From)), f.Longest.Grant), 0))
	}
	if !f.Complete {
		fmt.Fprintf(out, "Only the %d most urgent grants were looked at.\n", len(f.Grants))
	}
	var told []wire.Prospect
	for _, p := range f.Grants {
		if p.Outcome != wire.Endures || p.WithoutToken > 0 || verdict.Level(p.Level).Rank() >= verdict.Warning.Rank() {
			told = append(told, p)
		}
	}
	more := len(f.Grants) - len(told)
	shown := told
	if on.height > 0 {
		shown = told[:min(len(told), max(on.height-linesBeside, fewest))]
	}
	drawProspects(out, on, shown)
	if left := len(told) - len(shown); left > 0 {
		fmt.Fprintf(out, "\nand %d more of these; --json shows all\n", left)
	} else if more > 0 && len(told) > 0 {
		fmt.Fprintf(out, "\nand %d more, which always have a live token; --json shows all\n", more)
	}
	return out.Flush()
}

// linesBeside is how many lines of a screen a forecast takes beside its rows, at
// most, with the one of the prompt.
const linesBeside = 14

// drawProspects draws a row for each, and below what the dates of those outcomes
// mean. A name is cut to fit the screen.
func drawProspects(out io.Writer, on screen, list []wire.Prospect) {
	if len(list) == 0 {
		return
	}
	width := len("GRANT")
	for _, p := range list {
		width = max(width, len(p.Grant))
	}
	if on.width > 0 {
		width = min(width, max(on.width-50, narrowestName))
	}
	fmt.Fprintf(out, "\n%s\n", on.paint(bold, fmt.Sprintf("  %-*s  %-9s  %-10s  %-7s  NO TOKEN", width, "GRANT", "OUTCOME", "DATE", "WINDOW")))
	for _, p := range list {
		mark, t := prospectSign(p)
		line := fmt.Sprintf("%-*s  %-9s  %-10s  %-7s  %s", width, cut(p.Grant, width), p.Outcome, dayOf(p.At), p.Window, spanOrNone(p.WithoutToken))
		fmt.Fprintf(out, "%s %s\n", on.paint(t, mark), strings.TrimRight(line, " "))
	}
	separator := "\n"
	for _, e := range []struct{ outcome, means string }{
		{wire.Lost, "DATE is when the outage costs the grant: nobody refreshed it in time"},
		{wire.Waits, "DATE is since when a human is needed already"},
		{wire.Ends, "DATE is when window or token end, outage or not"},
	} {
		if slices.ContainsFunc(list, func(p wire.Prospect) bool { return p.Outcome == e.outcome }) {
			fmt.Fprintf(out, "%s%s\n", separator, on.paint(faint, fmt.Sprintf("%-6s %s", e.outcome+":", e.means)))
			separator = ""
		}
	}
	if slices.ContainsFunc(list, func(p wire.Prospect) bool { return p.WithoutToken >= 1 }) {
		fmt.Fprintf(out, "%s%s\n", separator, on.paint(faint, "NO TOKEN is for how long no live access token is there"))
	}
}

// foretell sums a forecast up, what is lost before what survives.
func foretell(f wire.Forecast) string {
	text := plural(len(f.Grants), "grant")
	separator := ": "
	for _, outcome := range []string{wire.Lost, wire.Waits, wire.Ends, wire.Undecided, wire.Endures} {
		if n := f.Counts[outcome]; n > 0 {
			text += fmt.Sprintf("%s%d %s", separator, n, outcome)
			separator = ", "
		}
	}
	text += "; looked at until " + date(f.Until)
	if f.OutageSeconds > 0 {
		what := "the daemon away"
		if f.EndpointDown {
			what = "Webex away"
		}
		text += fmt.Sprintf(", %s for %s from %s to %s", what, span(f.To.Sub(f.From)), minute(f.From), minute(f.To))
	}
	return text
}

// prospectSign is the sign that the grant has in every list; one that the outage
// costs needs somebody before it.
func prospectSign(p wire.Prospect) (string, tint) {
	if p.Outcome == wire.Lost {
		p.Level = string(verdict.Critical)
	}
	sign := levelSign(p.Level)
	return sign, signTint(sign)
}

func dayOf(t *time.Time) string {
	if t == nil {
		return "-"
	}
	return date(*t)
}

func spanOrNone(seconds float64) string {
	if seconds < 1 {
		return "-"
	}
	return span(time.Duration(seconds * float64(time.Second)))
}
