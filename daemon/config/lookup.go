package config

import (
	"slices"
	"strings"

	"webex-tokend/daemon/grantname"
)

// An index answers which block speaks for a name. Patterns are prefixes, so
// one map look-up for each length that occurs finds the longest.
type index struct {
	exact    map[string]*Grant
	prefixes map[string]*Grant
	lengths  []int // of prefixes, longest first
}

// indexed builds the index at the first look-up. Two that are first at once build
// the same.
func (c *Config) indexed() *index {
	if x := c.index.Load(); x != nil {
		return x
	}
	x := &index{exact: make(map[string]*Grant), prefixes: make(map[string]*Grant)}
	for _, g := range c.Grants {
		if !g.Pattern() {
			x.exact[g.Name] = g
			continue
		}
		x.prefixes[g.Prefix()] = g
		x.lengths = append(x.lengths, len(g.Prefix()))
	}
	slices.Sort(x.lengths)
	x.lengths = slices.Compact(x.lengths)
	slices.Reverse(x.lengths)
	c.index.Store(x)
	return x
}

// Grant returns the block that speaks for a name: the one with exactly this
// name, else the pattern with the longest literal prefix.
func (c *Config) Grant(name string) (*Grant, bool) {
	x := c.indexed()
	if g, ok := x.exact[name]; ok {
		return g, true
	}
	for _, n := range x.lengths {
		if n > len(name) {
			continue
		}
		if g, ok := x.prefixes[name[:n]]; ok {
			return g, true
		}
	}
	return nil, false
}

// Declared reports whether a block speaks for the name.
func (c *Config) Declared(name string) bool {
	_, ok := c.Grant(name)
	return ok
}

// ExactNames returns the grants that are declared by name, not by pattern, in
// the order of the file.
func (c *Config) ExactNames() []string {
	var names []string
	for _, g := range c.Grants {
		if !g.Pattern() {
			names = append(names, g.Name)
		}
	}
	return names
}

// FilesFor returns the files of one grant under this block, with its name in
// the paths. Behind each one that has a side file stands that as well.
func (g *Grant) FilesFor(name string) []File {
	files := make([]File, 0, len(g.Files))
	for _, f := range g.Files {
		f.Path = grantname.Expand(f.Path, name)
		f.Shut = g.Shut[f.Path]
		files = append(files, f)
		if f.Meta {
			side := f.side()
			side.Shut = g.Shut[side.Path]
			files = append(files, side)
		}
	}
	return files
}

// HooksFor returns the hooks of one grant under this block, with its name in
// commands and paths.
func (g *Grant) HooksFor(name string) []Hook {
	hooks := slices.Clone(g.Hooks)
	for i := range hooks {
		h := &hooks[i]
		h.PIDFile = grantname.Expand(h.PIDFile, name)
		h.Command = slices.Clone(h.Command)
		for j := range h.Command {
			h.Command[j] = grantname.Expand(h.Command[j], name)
		}
	}
	return hooks
}

// HasOutputs reports whether somebody is to be given the token without asking.
func (g *Grant) HasOutputs() bool { return len(g.Files)+len(g.Hooks) > 0 }

// Named puts the name of an exact grant into a text. A pattern's stays as it is.
func (g *Grant) Named(text string) string {
	if g.Pattern() {
		return text
	}
	return grantname.Expand(text, g.Name)
}

// Pattern reports whether the block speaks for every name with a prefix.
func (g *Grant) Pattern() bool { return strings.HasSuffix(g.Name, "*") }

// Prefix is the literal part of a pattern.
func (g *Grant) Prefix() string { return strings.TrimSuffix(g.Name, "*") }

// Rules returns how a grant is configured: ok is false when it is not declared.
func (c *Config) Rules(name string) (in *Integration, g *Grant, ok bool) {
	g, ok = c.Grant(name)
	if !ok {
		return nil, nil, false
	}
	in, ok = c.Integrations[g.Integration]
	return in, g, ok
}

// HasOutputs reports whether files or hooks belong to a grant.
func (c *Config) HasOutputs(name string) bool {
	g, ok := c.Grant(name)
	return ok && g.HasOutputs()
}
