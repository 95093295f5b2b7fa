package config

import (
	"fmt"
	"strings"

	"github.com/hashicorp/hcl/v2"
)

// An output is one file block with its place in the source.
type output struct {
	grant *Grant
	path  string
	at    hcl.Range
}

// collisions finds outputs that would overwrite something: one another, the
// daemon's own files, or what the daemon reads.
func (r *reader) collisions(doc *document, c *Config) {
	taken := map[string]string{c.API.Socket: "the API socket", c.API.CredentialSocket: "the credential socket"}
	taken[c.Seal.KeyFile] = "the store key"
	for _, i := range c.Integrations {
		for _, s := range i.Secrets {
			taken[s.Path] = fmt.Sprintf("a client secret of integration %q", i.Name)
		}
	}
	for _, g := range c.Grants {
		if g.Seed != nil {
			taken[g.Seed.File] = fmt.Sprintf("the seed of grant %q", g.Name)
		}
	}
	if s := c.Alert.WebhookSecret; s != nil {
		taken[s.Path] = "the secret of the alert webhook"
	}
	delete(taken, "")

	var exact, patterns []output
	for n, g := range c.Grants {
		for m, f := range g.Files {
			if f.Path == "" {
				continue
			}
			o := output{g, f.Path, doc.Grant[n].File[m].Path.Expr.Range()}
			r.checkOutput(o.at, o.path, c.RuntimeDir)
			if within(o.path, c.StateDir) {
				r.fault(o.at, "The output lies in state_dir", "That folder belongs to the store. Write to a path below runtime_dir.")
			}
			for _, path := range f.paths() {
				o.path = path
				if g.Pattern() {
					patterns = append(patterns, o)
				} else {
					o.path = expand(path, g.Name)
					exact = append(exact, o)
				}
			}
		}
	}
	for _, o := range exact {
		owner, clash := taken[o.path]
		if !clash {
			owner, clash = patternOwner(o.path, patterns, c)
		}
		if clash {
			r.fault(o.at, "Two uses of one path", fmt.Sprintf("%s is also %s. Give each its own.", o.path, owner))
		}
		taken[o.path] = fmt.Sprintf("an output of grant %q", o.grant.Name)
	}
	r.repeated(patterns)
}

// patternOwner finds a pattern under which some grant would write to path.
func patternOwner(path string, patterns []output, c *Config) (string, bool) {
	for _, p := range patterns {
		name, ok := solve(p.path, path)
		if !ok {
			continue
		}
		if g, found := c.Grant(name); found && g == p.grant {
			return fmt.Sprintf("the output of a grant %q under %q", name, g.Name), true
		}
	}
	return "", false
}

// solve returns the grant name for which a pattern's path becomes the given
// one.
func solve(pattern, path string) (string, bool) {
	places := strings.Count(pattern, grantVariable)
	rest := len(path) - (len(pattern) - places*len(grantVariable))
	if rest <= 0 || rest%places != 0 {
		return "", false
	}
	start, length := strings.Index(pattern, grantVariable), rest/places
	if start+length > len(path) {
		return "", false
	}
	name := path[start : start+length]
	return name, ValidName(name) == nil && expand(pattern, name) == path
}

// paths returns the path of a file and that of its side file.
func (f File) paths() []string {
	if f.Meta {
		return []string{f.Path, f.side().Path}
	}
	return []string{f.Path}
}

// paths returns those of all files of a block.
func (g *Grant) paths() []string {
	var paths []string
	for _, f := range g.Files {
		paths = append(paths, f.paths()...)
	}
	return paths
}

// repeated finds the same path twice under one pattern. Different patterns with
// one path do not clash, since a name belongs to one of them only; what else
// may meet is for Rival to say, once both names are known.
func (r *reader) repeated(patterns []output) {
	type use struct{ grant, path string }
	seen := make(map[use]bool)
	for _, o := range patterns {
		u := use{o.grant.Name, o.path}
		if seen[u] {
			r.fault(o.at, "Two uses of one path", fmt.Sprintf("%s is an output of %q twice. Give each its own.", o.path, o.grant.Name))
		}
		seen[u] = true
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
			for _, path := range p.paths() {
				other, ok := solve(path, f.Path)
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
