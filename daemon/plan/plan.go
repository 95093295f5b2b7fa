// Package plan says beforehand what a configuration will do: what comes of each
// grant, what the unit of systemd has to allow, and what changes against the
// configuration in force.
package plan

import (
	"fmt"
	"net/url"
	"slices"
	"strings"

	"webex-tokend/daemon/config"
	"webex-tokend/daemon/duration"
)

// Lines says what the daemon would do under a configuration, one line each: for
// every grant block when its token is refreshed and where it goes, to whom each
// integration speaks, and who is notified when a grant needs attention.
func Lines(c *config.Config) []string {
	var lines []string
	for _, g := range c.Grants {
		i := c.Integrations[g.Integration]
		subject := "grant " + g.Name
		if g.Pattern() {
			subject = "grants " + g.Name
		}
		lines = append(lines, fmt.Sprintf("%s: %s integration %s, %s", subject, i.Kind, i.Name, due(g.Refresh, i.Kind)))
		if g.Seed != nil {
			lines = append(lines, fmt.Sprintf("  registers from %s (%s)", g.Seed.File, g.Seed.Format))
		}
		for _, f := range g.Files {
			lines = append(lines, "  writes "+file(f))
		}
		for _, h := range g.Hooks {
			lines = append(lines, "  then "+hook(h))
		}
	}
	return slices.Concat(lines, endpoints(c), alerts(c.Alert))
}

func due(r config.Refresh, kind config.Kind) string {
	if kind == config.Static {
		return "never renewed"
	}
	rule := "renewed after 50% of a token's life, 66% where it lives less than a day"
	switch {
	case r.Before > 0:
		rule = duration.Format(r.Before) + " before a token expires"
	case r.Fraction > 0:
		rule = fmt.Sprintf("renewed after %g%% of a token's life", r.Fraction*100)
	}
	if r.Calendar != nil {
		rule += fmt.Sprintf(", at %q where that is in time", r.CalendarSpec)
	}
	return rule
}

func hook(h config.Hook) string {
	if h.PIDFile != "" {
		return fmt.Sprintf("sends %s to the process in %s", h.Signal, h.PIDFile)
	}
	return fmt.Sprintf("runs %s (at most %s)", strings.Join(h.Command, " "), duration.Format(h.Timeout))
}

func file(f config.File) string {
	s := fmt.Sprintf("%s (%s, mode %04o", f.Path, f.Format, f.Mode)
	if f.Owner != "" {
		s += ", owner " + f.Owner
	}
	if f.Group != "" {
		s += ", group " + f.Group
	}
	if f.Meta {
		s += ", meta beside it"
	}
	return s + ")"
}

func alerts(a config.Alert) []string {
	var times []string
	for _, d := range a.Before {
		times = append(times, duration.Format(d))
	}
	lines := []string{"alerts: " + strings.Join(times, ", ") + " before an end, and at once whatever needs attention"}
	if len(a.Command) > 0 {
		lines = append(lines, "  runs "+strings.Join(a.Command, " "))
	}
	if u, err := url.Parse(a.WebhookURL); err == nil && a.WebhookURL != "" {
		line := "  posts to " + u.Scheme + "://" + u.Host
		if a.WebhookSecret != nil {
			line += ", signed with " + a.WebhookSecret.Path
		}
		lines = append(lines, line)
	}
	return append(lines, "  writes to the log")
}
