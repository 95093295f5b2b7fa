package plan

import (
	"os"
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
	return append(unreadable(c), demandOf(c).lines()...)
}

// Unit is UnitNeeds on a host whose files lie below root, "/" as a rule: done
// names what drop-ins there give already, needs what is left. Where systemd does
// not run there is no unit, and nothing to say about it.
func Unit(c *config.Config, root string) (needs, done []string) {
	if _, err := os.Stat(filepath.Join(root, "run/systemd/system")); err != nil {
		return nil, nil
	}
	d := demandOf(c)
	done = d.meet(readUnit(root))
	return append(unreadable(c), d.lines()...), done
}

// A demand is what a configuration needs of the unit and the unit does not give by
// itself.
type demand struct {
	owners, controls bool // CAP_CHOWN, a polkit rule
	groups, folders  []string
}

func demandOf(c *config.Config) *demand {
	d := &demand{}
	for _, g := range c.Grants {
		for _, f := range g.Files {
			d.owners = d.owners || f.Owner != ""
			if f.Group != "" {
				d.groups = append(d.groups, f.Group)
			}
			if !config.Within(f.Path, c.RuntimeDir) {
				fixed, _, _ := strings.Cut(f.Path, grantname.Variable)
				d.folders = append(d.folders, filepath.Dir(fixed+"x"))
			}
		}
		d.controls = d.controls || slices.ContainsFunc(g.Hooks, callsSystemd)
	}
	if path := c.Maintenance.Textfile; path != "" && !config.Within(path, c.RuntimeDir) {
		d.folders = append(d.folders, filepath.Dir(path))
	}
	d.controls = d.controls || callsSystemd(config.Hook{Command: c.Alert.Command})
	if c.API.Group != "" {
		d.groups = append(d.groups, c.API.Group)
	}
	for _, own := range []struct{ dir, shipped string }{
		{c.StateDir, config.DefaultStateDir},
		{c.RuntimeDir, config.DefaultRuntimeDir},
		{filepath.Dir(c.API.Socket), c.RuntimeDir},
	} {
		if !config.Within(own.dir, own.shipped) {
			d.folders = append(d.folders, own.dir)
		}
	}
	d.groups, d.folders = sorted(d.groups), sorted(d.folders)
	return d
}

func (d *demand) lines() (list []string) {
	if d.owners {
		list = append(list, "files with an owner need the drop-in chown.conf, which grants CAP_CHOWN")
	}
	if d.controls {
		list = append(list, "hooks that call systemctl need a polkit rule such as webex-tokend.rules")
	}
	if len(d.groups) > 0 {
		list = append(list, "what has a group needs SupplementaryGroups="+strings.Join(d.groups, " "))
	}
	if len(d.folders) > 0 {
		list = append(list, "paths outside the unit's own folders need ReadWritePaths="+strings.Join(d.folders, " "))
	}
	return list
}

// meet takes what the unit of this host gives out of the demand, and says which
// file gives it.
func (d *demand) meet(u *unit) (done []string) {
	if by := u.by("AmbientCapabilities", func(value string) bool { return strings.EqualFold(value, "CAP_CHOWN") }); d.owners && by != "" {
		d.owners, done = false, append(done, "CAP_CHOWN for files with an owner: "+by)
	}
	if d.controls && u.polkit != "" {
		d.controls, done = false, append(done, "a polkit rule for hooks that call systemctl: "+u.polkit)
	}
	d.groups = slices.DeleteFunc(d.groups, func(group string) bool {
		by := u.by("SupplementaryGroups", func(value string) bool { return value == group })
		if by != "" {
			done = append(done, "SupplementaryGroups="+group+": "+by)
		}
		return by != ""
	})
	d.folders = slices.DeleteFunc(d.folders, func(folder string) bool {
		by := u.by("ReadWritePaths", func(value string) bool { return config.Within(folder, strings.TrimLeft(value, "-+")) })
		if by != "" {
			done = append(done, "ReadWritePaths for "+folder+": "+by)
		}
		return by != ""
	})
	return done
}

func sorted(list []string) []string {
	slices.Sort(list)
	return slices.Compact(list)
}

func callsSystemd(h config.Hook) bool {
	return len(h.Command) > 0 && filepath.Base(h.Command[0]) == "systemctl"
}
