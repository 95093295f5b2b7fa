package plan

import (
	"slices"

	"webex-tokend/daemon/config"
	"webex-tokend/daemon/grantname"
)

// Orphans lists the files that were written under old and are not under next,
// those of patterns with {{ .Grant }} in them. Nothing writes or removes them
// any more.
func Orphans(old, next *config.Config) []string {
	written := map[string]bool{next.Maintenance.Textfile: true}
	for _, g := range next.Grants {
		for _, path := range g.Paths() {
			written[g.Named(path)] = true
		}
	}
	var list []string
	for _, g := range old.Grants {
		var heirs []string // of the block that speaks for an exact name now
		if heir, ok := next.Grant(g.Name); ok && !g.Pattern() {
			for _, path := range heir.Paths() {
				heirs = append(heirs, grantname.Expand(path, g.Name))
			}
		}
		for _, path := range g.Paths() {
			if path = g.Named(path); !written[path] && !slices.Contains(heirs, path) {
				list = append(list, path)
			}
		}
	}
	if path := old.Maintenance.Textfile; !written[path] && path != "" {
		list = append(list, path)
	}
	return list
}
