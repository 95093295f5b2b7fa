package plan

import (
	"path/filepath"
	"slices"
	"strings"

	"webex-tokend/daemon/config"
	"webex-tokend/daemon/grantname"
)

// UnitNeeds says what the shipped unit does not allow by itself and a
// configuration needs, one line for each file that its user cannot read and for
// each drop-in setting.
func UnitNeeds(c *config.Config) []string {
	var owners, controls bool
	var groups, folders []string
	for _, g := range c.Grants {
		for _, f := range g.Files {
			owners = owners || f.Owner != ""
			if f.Group != "" {
				groups = append(groups, f.Group)
			}
			if !config.Within(f.Path, c.RuntimeDir) {
				fixed, _, _ := strings.Cut(f.Path, grantname.Variable)
				folders = append(folders, filepath.Dir(fixed+"x"))
			}
		}
		controls = controls || slices.ContainsFunc(g.Hooks, callsSystemd)
	}
	if path := c.Maintenance.Textfile; path != "" && !config.Within(path, c.RuntimeDir) {
		folders = append(folders, filepath.Dir(path))
	}
	controls = controls || callsSystemd(config.Hook{Command: c.Alert.Command})
	if c.API.Group != "" {
		groups = append(groups, c.API.Group)
	}
	for _, own := range []struct{ dir, shipped string }{
		{c.StateDir, config.DefaultStateDir},
		{c.RuntimeDir, config.DefaultRuntimeDir},
		{filepath.Dir(c.API.Socket), c.RuntimeDir},
	} {
		if !config.Within(own.dir, own.shipped) {
			folders = append(folders, own.dir)
		}
	}
	needs := unreadable(c)
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

func callsSystemd(h config.Hook) bool {
	return len(h.Command) > 0 && filepath.Base(h.Command[0]) == "systemctl"
}
