package plan

import (
	"maps"
	"reflect"
	"slices"

	"webex-tokend/daemon/config"
)

// A Diff lists what a reload would change.
type Diff struct {
	Grants       Change // blocks, by name or pattern
	Integrations Change

	grants int // blocks there were
}

// A Change lists names in order.
type Change struct {
	Added, Removed, Changed []string
}

// Compare finds what the step from old to new changes. A grant that loses its
// own block to a pattern counts as changed, not as removed, and so does a
// pattern that a shorter one replaces.
func Compare(old, new *config.Config) Diff {
	d := Diff{grants: len(old.Grants), Integrations: change(old.Integrations, new.Integrations)}
	before := blocks(old)
	d.Grants = change(before, blocks(new))
	d.Grants.Removed = slices.DeleteFunc(d.Grants.Removed, func(name string) bool {
		g := before[name]
		heir, ok := new.Grant(g.Prefix())
		moved := ok && (heir.Pattern() || !g.Pattern())
		if moved {
			d.Grants.Changed = append(d.Grants.Changed, name)
		}
		return moved
	})
	slices.Sort(d.Grants.Changed)
	return d
}

func blocks(c *config.Config) map[string]*config.Grant {
	m := make(map[string]*config.Grant, len(c.Grants))
	for _, g := range c.Grants {
		m[g.Name] = g
	}
	return m
}

func change[V any](old, new map[string]V) Change {
	var c Change
	for _, name := range slices.Sorted(maps.Keys(old)) {
		now, ok := new[name]
		switch {
		case !ok:
			c.Removed = append(c.Removed, name)
		case !reflect.DeepEqual(old[name], now):
			c.Changed = append(c.Changed, name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(new)) {
		if _, ok := old[name]; !ok {
			c.Added = append(c.Added, name)
		}
	}
	return c
}

// Drastic reports whether so much vanishes that a half-saved file is the
// likelier cause: a whole pattern, more than 10 grants, or more than 10 % of
// them. A watcher leaves such a change to an explicit reload.
func (d Diff) Drastic() bool {
	gone := len(d.Grants.Removed)
	return gone > 10 || gone*10 > d.grants ||
		slices.ContainsFunc(d.Grants.Removed, func(name string) bool { return (&config.Grant{Name: name}).Pattern() })
}
