package config

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"webex-tokend/daemon/duration"
	"webex-tokend/daemon/grantname"
)

// Plan says what the daemon would do under this configuration: for every grant
// block when its token is renewed and where it goes, and who is told when one
// needs somebody, one line each.
func (c *Config) Plan() []string {
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
			lines = append(lines, "  writes "+f.describe())
		}
		for _, h := range g.Hooks {
			lines = append(lines, "  then "+h.describe())
		}
	}
	return append(lines, c.Alert.describe()...)
}

func due(r Refresh, kind Kind) string {
	if kind == Static {
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

func (h Hook) describe() string {
	if h.PIDFile != "" {
		return fmt.Sprintf("sends %s to the process in %s", h.Signal, h.PIDFile)
	}
	return fmt.Sprintf("runs %s (at most %s)", strings.Join(h.Command, " "), duration.Format(h.Timeout))
}

func (h Hook) callsSystemd() bool {
	return len(h.Command) > 0 && filepath.Base(h.Command[0]) == "systemctl"
}

func (f File) describe() string {
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

// UnitNeeds says what the shipped unit does not allow by itself and this
// configuration needs, one line for each file that its user cannot read and for
// each drop-in setting.
func (c *Config) UnitNeeds() []string {
	var owners, controls bool
	var groups, folders []string
	for _, g := range c.Grants {
		for _, f := range g.Files {
			owners = owners || f.Owner != ""
			if f.Group != "" {
				groups = append(groups, f.Group)
			}
			if !within(f.Path, c.RuntimeDir) {
				fixed, _, _ := strings.Cut(f.Path, grantname.Variable)
				folders = append(folders, filepath.Dir(fixed+"x"))
			}
		}
		controls = controls || slices.ContainsFunc(g.Hooks, Hook.callsSystemd)
	}
	if path := c.Maintenance.Textfile; path != "" && !within(path, c.RuntimeDir) {
		folders = append(folders, filepath.Dir(path))
	}
	controls = controls || Hook{Command: c.Alert.Command}.callsSystemd()
	if c.API.Group != "" {
		groups = append(groups, c.API.Group)
	}
	for _, own := range []struct{ dir, shipped string }{
		{c.StateDir, DefaultStateDir},
		{c.RuntimeDir, DefaultRuntimeDir},
		{filepath.Dir(c.API.Socket), c.RuntimeDir},
	} {
		if !within(own.dir, own.shipped) {
			folders = append(folders, own.dir)
		}
	}
	needs := c.unreadable()
	if owners {
		needs = append(needs, "files with an owner need the drop-in chown.conf, which grants CAP_CHOWN")
	}
	if controls {
		needs = append(needs, "hooks that call systemctl need a polkit rule such as webex-tokend.rules")
	}
	if groups = sorted(groups); len(groups) > 0 {
		needs = append(needs, "what has a group needs SupplementaryGroups="+strings.Join(groups, " "))
	}
	if folders = sorted(folders); len(folders) > 0 {
		needs = append(needs, "paths outside the unit's own folders need ReadWritePaths="+strings.Join(folders, " "))
	}
	return needs
}

func sorted(list []string) []string {
	slices.Sort(list)
	return slices.Compact(list)
}
