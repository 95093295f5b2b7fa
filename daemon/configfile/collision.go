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

// A collider finds outputs that would overwrite something, once by their paths as
// they are written and once by where links lead.
type collider struct {
	r        *reader
	c        *config.Config
	exact    []output
	patterns []output
	named    map[string]string // what else has a path, as written
	real     map[string]string // the same without links
	found    map[string]bool   // outputs that clash, by path
}

// checkCollisions finds outputs that would overwrite something: one another, the
// daemon's own files, or what the daemon reads.
func checkCollisions(doc *document, c *config.Config, r *reader) {
	links := make(links)
	real := func(path string) string { return path }
	if r.disk != nil {
		real = func(path string) string { return links.real(r.disk, path) }
	}
	x := &collider{r: r, c: c, named: make(map[string]string), real: make(map[string]string), found: make(map[string]bool)}
	take := func(taken map[string]string, path, what string) {
		if _, known := taken[path]; !known {
			taken[path] = what
		}
	}
	inputs := inputs(c, r.disk)
	for _, i := range inputs {
		if i.path == "" {
			continue
		}
		take(x.named, i.path, i.what)
		take(x.real, real(i.path), i.what)
		// A link is replaced by itself, and its target by its own name.
		if r.disk == nil {
			continue
		}
		if target, err := r.disk.target(i.path); err == nil {
			take(x.real, target, i.what)
		}
	}

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
					x.patterns = append(x.patterns, o)
				} else {
					x.exact = append(x.exact, o)
				}
			}
		}
	}
	if path := c.Maintenance.Textfile; path != "" {
		at := doc.Maintenance.Textfile.Expr.Range()
		checkPlace(r, at, path, c)
		o := output{path: path, real: real(path), at: at}
		x.claim(x.named, o, o.path, x.shared)
		x.claim(x.real, o, o.real, x.shut)
		take(x.named, o.path, "the textfile of the metrics")
		take(x.real, o.real, "the textfile of the metrics")
	}
	x.pass(x.named, func(o output) string { return o.path }, x.shared)
	x.pass(x.real, func(o output) string { return o.real }, x.shut)
	repeated(r, inputs, x.patterns)
}

// claim reports an output whose path is taken.
func (x *collider) claim(taken map[string]string, o output, path string, clash func(o output, name, path, owner string)) {
	if owner, known := taken[path]; known {
		clash(o, "", o.path, owner)
	}
}

// pass looks at all outputs of grants by one of their paths.
func (x *collider) pass(taken map[string]string, key func(output) string, clash func(o output, name, path, owner string)) {
	for _, path := range slices.Sorted(maps.Keys(taken)) {
		if p, name, under := x.patternOwner(path, key); under {
			clash(p, name, grantname.Expand(p.path, name), taken[path])
		}
	}
	for _, o := range x.exact {
		owner, taking := taken[key(o)]
		if p, name, under := x.patternOwner(key(o), key); under && !taking {
			owner, taking = fmt.Sprintf("the output of a grant %q under %q", name, p.grant.Name), true
		}
		if taking {
			clash(o, o.grant.Name, o.path, owner)
		}
		taken[key(o)] = fmt.Sprintf("an output of grant %q", o.grant.Name)
	}
}

// shared refuses two uses of one path as it is written.
func (x *collider) shared(o output, _, path, owner string) {
	x.found[path] = true
	shared(x.r, o.at, path, owner)
}

// shut refuses two uses of one file by links. At a start that is the failure of
// this output alone: links change without the configuration, and perhaps by the
// hand of somebody who wants no daemon to start.
func (x *collider) shut(o output, name, path, owner string) {
	if x.found[path] {
		return
	}
	x.found[path] = true
	if !x.r.Lenient {
		shared(x.r, o.at, path, owner)
		return
	}
	why := fmt.Sprintf("by symbolic links %s is also %s", path, owner)
	x.r.Warn(o.at, why, "It is not written.")
	if o.grant == nil {
		x.c.Maintenance.Textfile = ""
		return
	}
	if o.grant.Shut == nil {
		o.grant.Shut = make(map[string]string)
	}
	o.grant.Shut[grantname.Expand(path, name)] = why
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

// patternOwner finds a pattern under which some grant would write to a path, and
// the name of that grant.
func (x *collider) patternOwner(path string, key func(output) string) (output, string, bool) {
	for _, p := range x.patterns {
		name, ok := grantname.Find(key(p), path)
		if !ok {
			continue
		}
		if g, found := x.c.Grant(name); found && g == p.grant {
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
