// Package grantname knows which names grants and integrations may have, and
// how a name stands in paths and texts that are written for a pattern.
package grantname

import (
	"fmt"
	"regexp"
	"strings"
)

// Variable stands for the name of the grant in paths and commands.
const Variable = "{{ .Grant }}"

var (
	nameForm     = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,62}$`)
	prefixForm   = regexp.MustCompile(`^([a-z0-9][a-z0-9._-]{0,61})?$`)
	variableForm = regexp.MustCompile(`\{\{-?\s*\.Grant\s*-?\}\}`)
)

// Valid returns an error of one line that says why no grant or integration can
// have that name. The error does not repeat it: what is no name may be a token
// that was mistaken for one. Names stand in paths and URLs; hence neither
// slashes nor "..".
func Valid(name string) error {
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

// ValidPattern is Valid for what may end in one star.
func ValidPattern(pattern string) error {
	prefix, star := strings.CutSuffix(pattern, "*")
	switch {
	case !star && strings.Contains(pattern, "*"):
		return fmt.Errorf("%q has a star that is not its last character", pattern)
	case !star:
		return Valid(pattern)
	case !prefixForm.MatchString(prefix) || strings.Contains(prefix, ".."):
		return fmt.Errorf(`%q is no pattern; it takes the first characters of names and one star behind them`, pattern)
	}
	return nil
}

// Shown returns a name as it may stand in answers and logs: what is no name may
// be a token that was mistaken for one.
func Shown(name string) string {
	if name != "" && Valid(name) != nil {
		return "(not a name)"
	}
	return name
}

// Normal writes every spelling of the variable in a text as Variable.
func Normal(text string) string { return variableForm.ReplaceAllString(text, Variable) }

// Expand puts a name in the place of Variable.
func Expand(text, name string) string { return strings.ReplaceAll(text, Variable, name) }

// Find returns the name for which Expand makes the given path of a path that
// holds Variable.
func Find(pattern, path string) (name string, ok bool) {
	places := strings.Count(pattern, Variable)
	rest := len(path) - (len(pattern) - places*len(Variable))
	if rest <= 0 || rest%places != 0 {
		return "", false
	}
	start, length := strings.Index(pattern, Variable), rest/places
	if start+length > len(path) {
		return "", false
	}
	name = path[start : start+length]
	return name, Valid(name) == nil && Expand(pattern, name) == path
}
