// Package grantname knows which names grants and integrations may have, and
// how a name stands in paths and texts that are written for a pattern.
package grantname

import (
	"fmt"
	"strings"
)

// Variable stands for the name of the grant in paths and commands.
const Variable = "{{ .Grant }}"

// longest is the size of a name.
const longest = 63

// Valid returns an error of one line that says why no grant or integration can
// have that name. The error does not repeat it: what is no name may be a token
// that was mistaken for one. Names stand in paths and URLs; hence neither
// slashes nor "..".
func Valid(name string) error {
	switch {
	case name == "":
		return fmt.Errorf("the name is empty")
	case len(name) > longest:
		return fmt.Errorf("the name has %d characters; %d are allowed", len(name), longest)
	case strings.Contains(name, ".."):
		return fmt.Errorf(`the name holds ".."`)
	case !begins(name):
		return fmt.Errorf(`that is no name; it takes a-z, 0-9, ".", "_" and "-", and begins with a letter or digit`)
	}
	return nil
}

// begins reports whether a text that is not empty can be the first characters of
// a name.
func begins(text string) bool {
	for _, c := range []byte(text) {
		if !alphanumeric(c) && c != '.' && c != '_' && c != '-' {
			return false
		}
	}
	return alphanumeric(text[0])
}

func alphanumeric(c byte) bool { return 'a' <= c && c <= 'z' || '0' <= c && c <= '9' }

// ValidPattern is Valid for what may end in one star.
func ValidPattern(pattern string) error {
	prefix, star := strings.CutSuffix(pattern, "*")
	switch {
	case !star && strings.Contains(pattern, "*"):
		return fmt.Errorf("%q has a star that is not its last character", pattern)
	case !star:
		return Valid(pattern)
	case len(prefix) >= longest || prefix != "" && !begins(prefix) || strings.Contains(prefix, ".."):
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
func Normal(text string) string {
	var b strings.Builder
	for {
		before, rest, found := strings.Cut(text, "{{")
		b.WriteString(before)
		if !found {
			return b.String()
		}
		inner, after, closed := strings.Cut(rest, "}}")
		if closed && strings.Trim(strings.TrimSuffix(strings.TrimPrefix(inner, "-"), "-"), blanks) == ".Grant" {
			b.WriteString(Variable)
			text = after
			continue
		}
		b.WriteByte('{') // the other one may begin the variable
		text = text[len(before)+1:]
	}
}

// blanks are those that a template has between its words.
const blanks = " \t\r\n\f"

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
