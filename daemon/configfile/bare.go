package configfile

import (
	"path/filepath"
	"slices"
	"strings"
	"text/template"
	syntax "text/template/parse"

	"webex-tokend/daemon/config"
)

// foreign are the fields of a template that a server wrote.
func foreign() []string { return []string{"AccessToken", "TokenType", "Scope", "Site", "User"} }

// bareValue finds a field of a server's that a template writes without one of its
// quoting functions; empty: there is none.
func bareValue(text string) string {
	t, err := template.New("template").Funcs(config.Quotes()).Parse(text)
	if err != nil {
		return ""
	}
	for _, named := range t.Templates() {
		if named.Tree != nil {
			if found := bareIn(named.Root); found != "" {
				return found
			}
		}
	}
	return ""
}

// bareIn looks at what writes; conditions do not.
func bareIn(node syntax.Node) string {
	var lists []*syntax.ListNode
	switch n := node.(type) {
	case *syntax.ListNode:
		if n == nil {
			return ""
		}
		for _, inner := range n.Nodes {
			if found := bareIn(inner); found != "" {
				return found
			}
		}
	case *syntax.ActionNode:
		if len(n.Pipe.Decl) == 0 && !quoted(n.Pipe) {
			return fieldIn(n.Pipe)
		}
	case *syntax.IfNode:
		lists = append(lists, n.List, n.ElseList)
	case *syntax.RangeNode:
		lists = append(lists, n.List, n.ElseList)
	case *syntax.WithNode:
		lists = append(lists, n.List, n.ElseList)
	}
	for _, list := range lists {
		if found := bareIn(list); found != "" {
			return found
		}
	}
	return ""
}

// quoted reports whether what a pipeline does last is to quote.
func quoted(p *syntax.PipeNode) bool {
	if len(p.Cmds) == 0 {
		return false
	}
	function, ok := p.Cmds[len(p.Cmds)-1].Args[0].(*syntax.IdentifierNode)
	return ok && config.Quotes()[function.Ident] != nil
}

func fieldIn(p *syntax.PipeNode) string {
	for _, cmd := range p.Cmds {
		for _, arg := range cmd.Args {
			switch a := arg.(type) {
			case *syntax.FieldNode:
				if slices.Contains(foreign(), a.Ident[0]) {
					return "." + a.Ident[0]
				}
			case *syntax.PipeNode:
				if found := fieldIn(a); found != "" && !quoted(a) {
					return found
				}
			}
		}
	}
	return ""
}

// interpreted says what reads a file in which characters mean something: by its
// name, or by how it begins. Empty: that does not show.
func interpreted(path, text string) (reader, function string) {
	switch ext := filepath.Ext(path); ext {
	case ".sh", ".bash", ".zsh", ".env", ".profile":
		return "a shell", "sh"
	case ".service", ".socket", ".timer", ".mount", ".path", ".target", ".network", ".netdev":
		return "systemd", "ini"
	}
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		switch {
		case strings.HasPrefix(line, "#!"), strings.HasPrefix(line, "export "):
			return "a shell", "sh"
		case line == "[Service]", line == "[Unit]", line == "[Install]":
			return "systemd", "ini"
		}
	}
	return "", ""
}
