package tokenfile

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// isAssignment reports that the first line which says something is NAME=value or
// a [section].
func isAssignment(text string) bool {
	if _, value, ok := assignment(text); ok && strings.Trim(value, "=") == "" && !strings.ContainsAny(text, " \n") {
		return false // a token in base64 with its padding
	}
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line == "" || isComment(line) {
			continue
		}
		if _, section := sectionName(line); section {
			return true
		}
		_, _, ok := assignment(line)
		return ok
	}
	return false
}

func isComment(line string) bool {
	return strings.HasPrefix(line, "#") || strings.HasPrefix(line, ";") || strings.HasPrefix(line, "//")
}

func sectionName(line string) (name string, ok bool) {
	if !strings.HasPrefix(line, "[") {
		return "", false
	}
	line, _, _ = strings.Cut(line, "#")
	line = strings.TrimSpace(line)
	if !strings.HasSuffix(line, "]") || strings.ContainsAny(line, "{\"'") {
		return "", false
	}
	return strings.TrimSpace(strings.Trim(line, "[]")), true
}

// assignment parts NAME=value, behind what shells put before it: export, set,
// setx, $env:.
func assignment(line string) (name, value string, ok bool) {
	for _, word := range []string{"export ", "set ", "setx ", "declare -x ", "Environment="} {
		line = strings.TrimSpace(strings.TrimPrefix(line, word))
	}
	line = strings.TrimPrefix(strings.TrimPrefix(line, "$env:"), "$Env:")
	name, value, ok = strings.Cut(line, "=")
	name, value = strings.TrimSpace(name), strings.TrimSpace(value)
	name = strings.Trim(name, `"'`)
	plain := func(r rune) bool {
		return r == '_' || r == '.' || r == '-' || '0' <= r && r <= '9' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z'
	}
	if !ok || name == "" || strings.ContainsFunc(name, func(r rune) bool { return !plain(r) }) {
		return "", "", false
	}
	return name, value, true
}

// parseAssignments reads dotenv files, environment files of systemd, INI and
// TOML: NAME=value a line, in sections or not.
func parseAssignments(text string) (*node, error) {
	top := &node{kind: objectNode}
	into := top
	number := 0
	for line := range strings.Lines(text) {
		number++
		line = strings.TrimSpace(line)
		if line == "" || isComment(line) {
			continue
		}
		if name, ok := sectionName(line); ok {
			into = &node{kind: objectNode, name: name}
			top.children = append(top.children, into)
			continue
		}
		name, raw, ok := assignment(line)
		if !ok {
			return nil, fmt.Errorf("has a line that is not NAME=value, line %d: a value stands on one line", number)
		}
		value, err := unquoteValue(raw)
		if err != nil {
			return nil, fmt.Errorf("has a value that cannot be read, line %d: %w", number, err)
		}
		into.children = append(into.children, &node{name: name, kind: textNode, text: value})
	}
	return top, nil
}

// unquoteValue undoes the quotes of a value and drops a comment behind it.
func unquoteValue(raw string) (string, error) {
	if raw == "" {
		return "", nil
	}
	quote := raw[0]
	if quote != '"' && quote != '\'' {
		for _, mark := range []string{" #", " ;", "\t#", "\t;"} {
			raw, _, _ = strings.Cut(raw, mark)
		}
		return strings.TrimSpace(raw), nil
	}
	end := closing(raw, quote)
	if end < 0 {
		return "", errors.New("its quotes do not end")
	}
	behind := strings.TrimLeft(strings.TrimSpace(raw[end+1:]), ";,")
	if behind != "" && !isComment(behind) {
		return "", errors.New("there is text behind its quotes")
	}
	if quote == '\'' {
		return raw[1:end], nil
	}
	if text, err := strconv.Unquote(raw[:end+1]); err == nil {
		return text, nil
	}
	return raw[1:end], nil
}

// closing finds the quote that ends a quoted value, -1 without one.
func closing(raw string, quote byte) int {
	for i := 1; i < len(raw); i++ {
		switch {
		case raw[i] == '\\' && quote == '"':
			i++
		case raw[i] == quote:
			return i
		}
	}
	return -1
}
