package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"webex-tokend/daemon/wire"
)

func newProbe(c *console) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "probe GRANT [--json]",
		Short: "Try an access token on the API",
		Long: `Try the access token of a grant on the API: whose it is, whether it reads rooms,
and when it ends as the server sees it. A missing scope shows a token that is
alive. Nothing is changed; the command fails when the token is not alive.`,
		Example: `  webex-tokend probe ops
  webex-tokend probe ops --json`,
		Args:              oneGrant,
		ValidArgsFunction: c.completeGrant,
		RunE: func(cmd *cobra.Command, args []string) error {
			daemon := c.daemon()
			defer daemon.Close()
			p, err := daemon.Probe(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			if asJSON {
				err = json.NewEncoder(c.out).Encode(p)
			} else {
				err = drawProbe(c.out, p, time.Now())
			}
			switch {
			case err != nil:
				return err
			case p.Verdict == "dead":
				return &failure{exitFailed, errors.New("the access token does not work"), "next: webex-tokend refresh " + p.Grant}
			case p.Verdict != "alive":
				return &failure{exitFailed, errors.New("the API did not tell whether the token works"), ""}
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "as JSON")
	return cmd
}

func drawProbe(w io.Writer, p wire.Probe, now time.Time) error {
	line := func(label, format string, args ...any) {
		fmt.Fprintf(w, "  %-14s%s\n", label, fmt.Sprintf(format, args...))
	}
	if _, err := fmt.Fprintf(w, "%s  %s\n", p.Grant, p.Verdict); err != nil {
		return err
	}
	if who := p.Person; who != nil {
		line("person", "%s <%s>, organisation %s", who.DisplayName, who.Email, who.OrgID)
	}
	for _, check := range p.Checks {
		text := words(check.Result)
		if check.Status != 0 {
			text = fmt.Sprintf("%d %s", check.Status, text)
		}
		if check.Detail != "" {
			text += ": " + check.Detail
		}
		if check.TrackingID != "" {
			text += ", tracking ID " + check.TrackingID
		}
		line(check.Request, "  %s", text)
	}
	if p.ExpiresAt != nil {
		line("expires", "%s, %s", minute(*p.ExpiresAt), distance(*p.ExpiresAt, now))
	}
	if off := p.ExpiryOff; off != nil {
		line("on record", "%s", offset(*off, "the same to the minute", "%s earlier than the server says", "%s later than the server says"))
	}
	if skew := p.ClockSkew; skew != nil {
		line("server clock", "%s", offset(*skew, "as ours to the minute", "%s ahead of ours", "%s behind ours"))
	}
	return nil
}

// offset puts a difference in seconds into words; below a minute it is none.
func offset(seconds float64, none, positive, negative string) string {
	d := time.Duration(seconds * float64(time.Second))
	switch {
	case d.Abs() < time.Minute:
		return none
	case d > 0:
		return fmt.Sprintf(positive, span(d))
	}
	return fmt.Sprintf(negative, span(d))
}
