package tokenfile

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"go.yaml.in/yaml/v3"
)

// maxNodes bounds what the aliases of a text may unfold to.
const maxNodes = 10_000

// parseYAML reads one mapping. It takes scalars as they are written, for YAML
// would make a number of a token that has digits alone, and a date of a time
// without its zone. The decoder's own errors quote the text and are not passed
// on.
func parseYAML(text string) (*node, error) {
	d := yaml.NewDecoder(bytes.NewReader([]byte(text)))
	var documents []*node
	var lines []int
	for {
		var doc yaml.Node
		err := d.Decode(&doc)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil || len(doc.Content) != 1 {
			return nil, errors.New("is neither a JSON object nor a YAML mapping")
		}
		u := unfolding{left: maxNodes}
		tree, err := u.node("", doc.Content[0], maxDepth)
		if err != nil {
			return nil, err
		}
		if tree.kind == nullNode {
			continue // an empty document between two separators
		}
		documents, lines = append(documents, tree), append(lines, doc.Content[0].Line)
	}
	switch {
	case len(documents) == 1 && documents[0].kind == objectNode:
		return documents[0], nil
	case len(documents) > 1:
		return nil, fmt.Errorf("holds %d YAML documents, one with %s at line %d and another with %s at line %d: keep one of them",
			len(documents), memberNames(documents[0]), lines[0], memberNames(documents[1]), lines[1])
	}
	return nil, errors.New("is neither a JSON object nor a YAML mapping")
}

// An unfolding turns YAML nodes into ours, aliases and merges included.
type unfolding struct{ left int }

func (u *unfolding) node(name string, y *yaml.Node, depth int) (*node, error) {
	if u.left--; u.left < 0 || depth == 0 {
		return nil, errors.New("is YAML whose aliases unfold to too much")
	}
	n := &node{name: name}
	switch y.Kind {
	case yaml.AliasNode:
		return u.node(name, y.Alias, depth-1)
	case yaml.ScalarNode:
		n.kind, n.text = textNode, y.Value
		switch y.ShortTag() {
		case "!!bool":
			n.kind = boolNode
		case "!!null":
			n.kind, n.text = nullNode, ""
		case "!!binary":
			return nil, errors.New("has a value in base64, which is not decoded")
		}
	case yaml.SequenceNode:
		n.kind = listNode
		for _, v := range y.Content {
			c, err := u.node("", v, depth-1)
			if err != nil {
				return nil, err
			}
			n.children = append(n.children, c)
		}
	case yaml.MappingNode:
		n.kind = objectNode
		return n, u.members(n, y, depth)
	}
	return n, nil
}

// members fills in the members of a mapping. Those of a merge ("<<: *base")
// stand behind its own and give way to them.
func (u *unfolding) members(n *node, y *yaml.Node, depth int) error {
	var merged []*node
	for i := 0; i+1 < len(y.Content); i += 2 {
		key, value := y.Content[i], y.Content[i+1]
		c, err := u.node(key.Value, value, depth-1)
		if err != nil {
			return err
		}
		if key.ShortTag() != "!!merge" {
			n.children = append(n.children, c)
			continue
		}
		if c.kind == listNode {
			for _, each := range c.children {
				merged = append(merged, each.children...)
			}
		} else {
			merged = append(merged, c.children...)
		}
	}
	for _, c := range merged {
		if n.child(c.name) == nil {
			n.children = append(n.children, c)
		}
	}
	return nil
}
