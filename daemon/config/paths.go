package config

import "strings"

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

// side returns the file beside f that tells of the token without holding it.
func (f File) side() File {
	return File{Path: f.Path + ".meta.json", Format: "meta", Mode: f.Mode, Owner: f.Owner, Group: f.Group}
}

// Within reports whether path is folder or lies below it. Both are clean.
func Within(path, folder string) bool {
	return path == folder || folder == "/" || strings.HasPrefix(path, folder+"/")
}
