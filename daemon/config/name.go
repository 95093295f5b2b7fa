package config

import (
	"fmt"
	"regexp"
	"strings"
)

var (
	nameForm   = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,62}$`)
	prefixForm = regexp.MustCompile(`^([a-z0-9][a-z0-9._-]{0,61})?$`)
)

// ValidName says in one line why no grant or integration can have that name. It
// does not repeat it: what is no name may be a token that was mistaken for one.
// Names stand in paths and URLs; hence neither slashes nor "..".
func ValidName(name string) error {
	switch {
	case name == "":
		return fmt.Errorf("the name is empty")
	case len(name) > 63:
		return fmt.Errorf("the name has %d characters; 63 are allowed", len(name))
	case strings.Contains(name, ".."):
		return fmt.Errorf(`the name holds ".."`)
	case !nameForm.MatchString(name):
		return fmt.Errorf(`that is no name; it takes a-z, 0-9, ".", "_" and "-", and begins with a letter or digit`)
	}
	return nil
}

// validPattern is ValidName for what may end in one star.
func validPattern(pattern string) error {
	prefix, star := strings.CutSuffix(pattern, "*")
	switch {
	case !star && strings.Contains(pattern, "*"):
		return fmt.Errorf("%q has a star that is not its last character", pattern)
	case !star:
		return ValidName(pattern)
	case !prefixForm.MatchString(prefix) || strings.Contains(prefix, ".."):
		return fmt.Errorf(`%q is no pattern; it takes the first characters of names and one star behind them`, pattern)
	}
	return nil
}

// Shown is a name as it may stand in answers and logs: what is none may be a token
// that was mistaken for it.
func Shown(name string) string {
	if name != "" && ValidName(name) != nil {
		return "(not a name)"
	}
	return name
}

// Pattern reports whether the block speaks for every name with a prefix.
func (g *Grant) Pattern() bool { return strings.HasSuffix(g.Name, "*") }

// prefix is the literal part of a pattern.
func (g *Grant) prefix() string { return strings.TrimSuffix(g.Name, "*") }
