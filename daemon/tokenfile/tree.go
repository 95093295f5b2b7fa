package tokenfile

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// A kind is the type of a node of a parsed text.
type kind int

const (
	nullNode kind = iota
	textNode
	numberNode // text has it as it is written
	boolNode
	objectNode
	listNode
)

// A node is a value of a parsed text, whatever syntax it was written in.
type node struct {
	name string // of a member; empty in lists and at the top
	kind kind
	text string
	// children are the members of an object, in their order, or the values of
	// a list.
	children []*node
}

// child returns the member with exactly that name, nil without one.
func (n *node) child(name string) *node {
	for _, c := range n.children {
		if c.name == name {
			return c
		}
	}
	return nil
}

// parseTree reads one object in JSON, in assignments (dotenv, INI, TOML), or in
// YAML.
func parseTree(text string) (*node, []string, error) {
	switch {
	case isEncodedTwice(text):
		var inner string
		if json.Unmarshal([]byte(text), &inner) == nil {
			tree, notes, err := parseTree(inner)
			return tree, append(notes, "the JSON stands in a string"), err
		}
	case opens(text, "{"):
		tree, err := parseJSON(text)
		if !errors.Is(err, errUnsound) {
			return tree, nil, err
		}
		// A trailing comma, single quotes, comments: a hand wrote it.
		if tree, yamlErr := parseYAML(text); yamlErr == nil {
			return tree, []string{"the JSON is not sound and was read as YAML"}, nil
		}
		return nil, nil, err
	case isAssignment(text):
		tree, err := parseAssignments(text)
		return tree, nil, err
	}
	tree, err := parseYAML(text)
	return tree, nil, err
}

// isEncodedTwice reports that a text is JSON in a string of JSON.
func isEncodedTwice(text string) bool {
	return opens(text, `"{`) && strings.Contains(text, `\"`)
}

var errUnsound = errors.New("is not a sound JSON object")

// parseJSON reads one object and wants nothing behind it: of two, the wrong one
// might be taken.
func parseJSON(text string) (*node, error) {
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	tree, err := jsonValue(d, "")
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return nil, errors.New("is cut short: the JSON object does not end")
	case err != nil, tree.kind != objectNode:
		return nil, errUnsound
	}
	end := int(d.InputOffset())
	rest := strings.TrimLeftFunc(text[end:], func(r rune) bool { return blank(r) || r == ';' || r == ',' })
	if rest == "" {
		return tree, nil
	}
	line := 1 + strings.Count(text[:len(text)-len(rest)], "\n")
	if !opens(rest, "{") {
		return nil, fmt.Errorf("has text behind its JSON object, at line %d", line)
	}
	second := "another object"
	if tree, err := jsonValue(json.NewDecoder(strings.NewReader(rest)), ""); err == nil {
		second = "another with " + memberNames(tree)
	}
	return nil, fmt.Errorf("holds two JSON objects, one with %s at line 1 and %s at line %d: keep one of them", memberNames(tree), second, line)
}

// memberNames lists the known members of an object, to tell one from another.
func memberNames(n *node) string {
	var names []string
	for _, c := range n.children {
		if m := memberOf(c.name); m != "" {
			names = append(names, m)
		}
	}
	if len(names) == 0 {
		return "no tokens"
	}
	return strings.Join(names, " and ")
}

// maxDepth bounds how deep values may nest.
const maxDepth = 32

func jsonValue(d *json.Decoder, name string) (*node, error) {
	return jsonNested(d, name, maxDepth)
}

func jsonNested(d *json.Decoder, name string, depth int) (*node, error) {
	if depth == 0 {
		return nil, errUnsound
	}
	token, err := d.Token()
	if err != nil {
		return nil, err
	}
	n := &node{name: name}
	switch v := token.(type) {
	case string:
		n.kind, n.text = textNode, v
	case json.Number:
		n.kind, n.text = numberNode, v.String()
	case float64:
		n.kind = numberNode
	case bool:
		n.kind, n.text = boolNode, strconv.FormatBool(v)
	case json.Delim:
		n.kind = listNode
		if v == '{' {
			n.kind = objectNode
		}
		for d.More() {
			member := ""
			if n.kind == objectNode {
				key, err := d.Token()
				if err != nil {
					return nil, err
				}
				member, _ = key.(string)
			}
			c, err := jsonNested(d, member, depth-1)
			if err != nil {
				return nil, err
			}
			n.children = append(n.children, c)
		}
		if _, err := d.Token(); err != nil {
			return nil, err
		}
	}
	return n, nil
}

// quoteJSON writes members as one object of texts.
func quoteJSON(members map[string]string) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(members) // texts always encode
	return b.Bytes()
}
