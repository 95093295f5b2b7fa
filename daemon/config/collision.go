package config

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"webex-tokend/daemon/grantname"
)

// An output is one path that the daemon writes to, with its place in the source.
type output struct {
	grant *Grant
	path  string
	real  string // without symbolic links in its folder
	at    hcl.Range
}

// collisions finds outputs that would overwrite something: one another, the
// daemon's own files, or what the daemon reads.
func (r *reader) collisions(doc *document, c *Config) {
	links := make(links)
	real := func(path string) string { return path }
	if r.disk != nil {
		real = links.real
	}
	taken := make(map[string]string)
	take := func(path, what string) {
		if _, known := taken[path]; !known {
			taken[path] = what
		}
	}
	inputs := r.inputs(c)
	for _, i := range inputs {
		if i.path == "" {
			continue
		}
		take(real(i.path), i.what)
		// A link is replaced by itself, and its target by its own name.
		if target, err := filepath.EvalSymlinks(i.path); err == nil && r.disk != nil {
			take(target, i.what)
		}
	}

	var exact, patterns []output
	for n, g := range c.Grants {
		for m, f := range g.Files {
			if f.Path == "" {
				continue
			}
			at := doc.Grant[n].File[m].Path.Expr.Range()
			r.checkPlace(at, f.Path, c)
			for _, path := range f.Paths() {
				path = g.Named(path)
				if o := (output{g, path, real(path), at}); g.Pattern() {
					patterns = append(patterns, o)
				} else {
					exact = append(exact, o)
				}
			}
		}
	}
	if path := c.Maintenance.Textfile; path != "" {
		at := doc.Maintenance.Textfile.Expr.Range()
		r.checkPlace(at, path, c)
		if owner, clash := taken[real(path)]; clash {
			r.shared(at, path, owner)
		}
		take(real(path), "the textfile of the metrics")
	}
	for _, path := range slices.Sorted(maps.Keys(taken)) {
		if p, name, clash := patternOwner(path, patterns, c); clash {
			r.shared(p.at, grantname.Expand(p.path, name), taken[path])
		}
	}
	for _, o := range exact {
		owner, clash := taken[o.real]
		if p, name, under := patternOwner(o.real, patterns, c); under && !clash {
			owner, clash = fmt.Sprintf("the output of a grant %q under %q", name, p.grant.Name), true
		}
		if clash {
			r.shared(o.at, o.path, owner)
		}
		taken[o.real] = fmt.Sprintf("an output of grant %q", o.grant.Name)
	}
	r.repeated(inputs, patterns)
}

// checkPlace looks at where an output stands.
func (r *reader) checkPlace(at hcl.Range, path string, c *Config) {
	r.checkOutput(at, path, c.RuntimeDir)
	if Within(path, c.StateDir) {
		r.fault(at, "The output lies in state_dir", "That folder belongs to the store. Write to a path below runtime_dir.")
	}
}

func (r *reader) shared(at hcl.Range, path, owner string) {
	r.fault(at, "Two uses of one path", fmt.Sprintf("%s is also %s. Give each its own.", path, owner))
}

// patternOwner finds a pattern under which some grant would write to a real
// path, and the name of that grant.
func patternOwner(real string, patterns []output, c *Config) (output, string, bool) {
	for _, p := range patterns {
		name, ok := grantname.Find(p.real, real)
		if !ok {
			continue
		}
		if g, found := c.Grant(name); found && g == p.grant {
			return p, name, true
		}
	}
	return output{}, "", false
}

// Paths returns the path of a file and that of its side file.
func (f File) Paths() []string {
	if f.Meta {
		return []string{f.Path, f.side().Path}
	}
	return []string{f.Path}
}

// Paths returns those of all files of a block.
func (g *Grant) Paths() []string {
	var paths []string
	for _, f := range g.Files {
		paths = append(paths, f.Paths()...)
	}
	return paths
}

// repeated finds the same path twice under one pattern. Different patterns with
// one path do not clash, since a name belongs to one of them only; what else
// may meet is for Rival to say, once both names are known.
func (r *reader) repeated(inputs []input, patterns []output) {
	type use struct{ grant, path string }
	seen := make(map[use]string)
	for _, i := range inputs {
		if i.grant != nil && i.grant.Pattern() && strings.Contains(i.path, grantname.Variable) {
			seen[use{i.grant.Name, i.path}] = i.what
		}
	}
	for _, o := range patterns {
		u := use{o.grant.Name, o.path}
		switch owner, known := seen[u]; {
		case owner != "":
			r.shared(o.at, o.path, owner)
		case known:
			r.fault(o.at, "Two uses of one path", fmt.Sprintf("%s is an output of %q twice. Give each its own.", o.path, o.grant.Name))
		}
		seen[u] = ""
	}
}

// Rival finds a grant under a pattern that writes to a file of the named one,
// as X.env does to X where a pattern writes both DIR/{{ .Grant }} and
// DIR/{{ .Grant }}.env. It asks registered for each candidate; whoever
// registers a grant refuses one that has a rival.
func (c *Config) Rival(name string, registered func(name string) bool) (rival, path string, found bool) {
	g, ok := c.Grant(name)
	if !ok {
		return "", "", false
	}
	for _, f := range g.FilesFor(name) {
		for _, p := range c.Grants {
			if !p.Pattern() {
				continue
			}
			for _, path := range p.Paths() {
				other, ok := grantname.Find(path, f.Path)
				if !ok || other == name {
					continue
				}
				if owner, _ := c.Grant(other); owner == p && registered(other) {
					return other, f.Path, true
				}
			}
		}
	}
	return "", "", false
}
