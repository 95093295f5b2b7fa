package config

import "webex-tokend/daemon/grantname"

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
