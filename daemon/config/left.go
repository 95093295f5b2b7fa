package config

import "slices"

// Left lists the files that were written under old and are not under next, those
// of patterns with {{ .Grant }} in them. Nothing renews or removes them any more.
func Left(old, next *Config) []string {
	written := map[string]bool{next.Maintenance.Textfile: true}
	for _, g := range next.Grants {
		for _, path := range g.written(g.Name) {
			written[path] = true
		}
	}
	var list []string
	for _, g := range old.Grants {
		var heirs []string // where another block speaks for the name now
		if heir, ok := next.Grant(g.Name); ok {
			heirs = heir.written(g.Name)
		}
		for _, path := range g.written(g.Name) {
			if !written[path] && !slices.Contains(heirs, path) {
				list = append(list, path)
			}
		}
	}
	if path := old.Maintenance.Textfile; !written[path] && path != "" {
		list = append(list, path)
	}
	return list
}

// written returns the paths for a name, or those of a pattern as they stand.
func (g *Grant) written(name string) []string {
	list := g.paths()
	if (&Grant{Name: name}).Pattern() {
		return list
	}
	for i := range list {
		list[i] = expand(list[i], name)
	}
	return list
}
