package configfile

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"webex-tokend/daemon/config"
	"webex-tokend/daemon/grantname"
)

// An output is one path that the daemon writes to, with its place in the source.
type output struct {
	grant *config.Grant
	path  string
	real  string // without symbolic links in its folder
	at    hcl.Range
}

// checkCollisions finds outputs that would overwrite something: one another, the
// daemon's own files, or what the daemon reads.
func checkCollisions(doc *document, c *config.Config, r *reader) {
	links := make(links)
	real := func(path string) string { return path }
	if r.disk != nil {
		real = func(path string) string { return links.real(r.disk, path) }
	}
	taken := make(map[string]string)
	take := func(path, what string) {
		if _, known := taken[path]; !known {
			taken[path] = what
		}
	}
	inputs := inputs(c, r.disk)
	for _, i := range inputs {
		if i.path == "" {
			continue
		}
		take(real(i.path), i.what)
		// A link is replaced by itself, and its target by its own name.
		if r.disk == nil {
			continue
		}
		if target, err := r.disk.target(i.path); err == nil {
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
			checkPlace(r, at, f.Path, c)
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
		checkPlace(r, at, path, c)
		if owner, clash := taken[real(path)]; clash {
			shared(r, at, path, owner)
		}
		take(real(path), "the textfile of the metrics")
	}
	for _, path := range slices.Sorted(maps.Keys(taken)) {
		if p, name, clash := patternOwner(path, patterns, c); clash {
			shared(r, p.at, grantname.Expand(p.path, name), taken[path])
		}
	}
	for _, o := range exact {
		owner, clash := taken[o.real]
		if p, name, under := patternOwner(o.real, patterns, c); under && !clash {
			owner, clash = fmt.Sprintf("the output of a grant %q under %q", name, p.grant.Name), true
		}
		if clash {
			shared(r, o.at, o.path, owner)
		}
		taken[o.real] = fmt.Sprintf("an output of grant %q", o.grant.Name)
	}
	repeated(r, inputs, patterns)
}

// checkPlace looks at where an output stands.
func checkPlace(r *reader, at hcl.Range, path string, c *config.Config) {
	r.disk.output(at, path, c.RuntimeDir)
	if config.Within(path, c.StateDir) {
		r.Fault(at, "The output lies in state_dir", "That folder belongs to the store. Write to a path below runtime_dir.")
	}
}

func shared(r *reader, at hcl.Range, path, owner string) {
	r.Fault(at, "Two uses of one path", fmt.Sprintf("%s is also %s. Give each its own.", path, owner))
}

// patternOwner finds a pattern under which some grant would write to a real
// path, and the name of that grant.
func patternOwner(real string, patterns []output, c *config.Config) (output, string, bool) {
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

// repeated finds the same path twice under one pattern. Different patterns with
// one path do not clash, since a name belongs to one of them only; what else
// may meet is for Rival to say, once both names are known.
func repeated(r *reader, inputs []input, patterns []output) {
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
			shared(r, o.at, o.path, owner)
		case known:
			r.Fault(o.at, "Two uses of one path", fmt.Sprintf("%s is an output of %q twice. Give each its own.", o.path, o.grant.Name))
		}
		seen[u] = ""
	}
}
