package main

import (
	"embed"
	"fmt"
	"regexp"
	"strings"
)

//go:embed recipes/*.md
var recipeFiles embed.FS

// recipeOrder lists the files of recipes as the manual shows them, those for
// what everybody has first.
func recipeOrder() []string {
	return []string{"README", "curl", "systemd", "sidecar", "alertmanager", "python", "node", "meetings", "oidc", "google"}
}

// describeRecipes is the text of all recipes in the markup of typeset.
func describeRecipes() (string, error) {
	var b strings.Builder
	for _, name := range recipeOrder() {
		text, err := recipeFiles.ReadFile("recipes/" + name + ".md")
		if err != nil {
			return "", fmt.Errorf("read recipe: %w", err)
		}
		b.WriteString(fromMarkdown(string(text)) + "\n")
	}
	return b.String(), nil
}

// fromMarkdown turns the part of Markdown that the recipes use into the markup
// of typeset: code between fences, links, and the line below the head of a table.
func fromMarkdown(text string) string {
	link := regexp.MustCompile(`(?s)\[([^\]]+)\]\([^)\s]+\)`)
	var b strings.Builder
	inCode := false
	var prose []string
	flush := func() {
		b.WriteString(link.ReplaceAllString(strings.Join(prose, ""), "$1"))
		prose = nil
	}
	for line := range strings.Lines(text) {
		switch {
		case strings.HasPrefix(line, "```"):
			flush()
			inCode = !inCode
			b.WriteString("\n")
		case inCode && line == "\n":
			b.WriteString("  \n") // an empty line would end the example
		case inCode:
			b.WriteString("  " + line)
		case strings.HasPrefix(line, "|--"):
		case strings.HasPrefix(line, "# "):
			prose = append(prose, strings.ToUpper(line))
		default:
			prose = append(prose, line)
		}
	}
	flush()
	return b.String()
}
