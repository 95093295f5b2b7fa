package config

import (
	"slices"

	"webex-tokend/daemon/grantname"
)

// Left lists the files that were written under old and are not under next, those
// of patterns with {{ .Grant }} in them. Nothing renews or removes them any more.
func Left(old, next *Config) []string {
	written := map[string]bool{next.Maintenance.Textfile: true}
	for _, g := range next.Grants {
		for _, path := range g.paths() {
			written[g.fill(path)] = true
		}
	}
	var list []string
	for _, g := range old.Grants {
		var heirs []string // of the block that speaks for an exact name now
		if heir, ok := next.Grant(g.Name); ok && !g.Pattern() {
			for _, path := range heir.paths() {
				heirs = append(heirs, grantname.Expand(path, g.Name))
			}
		}
		for _, path := range g.paths() {
			if path = g.fill(path); !written[path] && !slices.Contains(heirs, path) {
				list = append(list, path)
			}
		}
	}
	if path := old.Maintenance.Textfile; !written[path] && path != "" {
		list = append(list, path)
	}
	return list
}
