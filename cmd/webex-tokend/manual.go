package main

import (
	"cmp"
	"embed"
	"fmt"
	"strings"
	"text/template"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"webex-tokend/daemon/config"
	"webex-tokend/daemon/scope"
)

//go:embed manual
var manualFiles embed.FS

// A manualPage is one page of the manual. Its source is manual/NAME.SECTION, in
// the markup of typeset; << >> encloses what is taken from the commands.
type manualPage struct {
	name    string
	section int
	about   string
	key     string // what `webex-tokend man` calls it
}

func manualPages() []manualPage {
	return []manualPage{
		{"webex-tokend", 8, "commands, states, exit codes, files", "8"},
		{"webex-tokend.hcl", 5, "the configuration", "5"},
		{"webex-token", 1, "tokens for scripts, quickly", "1"},
		{"webex-tokend-portal", 7, "what to register with Webex", "portal"},
		{"webex-tokend-recipes", 7, "ways to use a token", "recipes"},
	}
}

// file is its name as man(1) looks for it.
func (p manualPage) file() string { return fmt.Sprintf("%s.%d", p.name, p.section) }

// text is the page in the macros of man(7). Root is the tree of commands.
func (p manualPage) text(root *cobra.Command, b build) (string, error) {
	source, err := template.New("").Delims("<<", ">>").Funcs(template.FuncMap{
		"description": func() string { return description },
		"commands":    func(group string) string { return describeGroup(root, group) },
		"states":      describeStates,
		"exitCodes":   describeExitCodes,
		"deviceURLs":  func() string { return "  " + strings.Join(deviceCallbacks(), "\n  ") },
		"scopes":      describeScopes,
		"recipes":     describeRecipes,
	}).ParseFS(manualFiles, "manual/"+p.file())
	if err != nil {
		return "", fmt.Errorf("read source of %s: %w", p.file(), err)
	}
	var text strings.Builder
	if err := source.ExecuteTemplate(&text, p.file(), nil); err != nil {
		return "", fmt.Errorf("write %s: %w", p.file(), err)
	}
	date, _, _ := strings.Cut(b.Time, "T")
	version, _, _ := strings.Cut(b.Version, "-") // what follows leaves no room for the date
	return typeset(fmt.Sprintf("%s %d %q %q", p.name, p.section, date, "webex-tokend "+version), text.String()), nil
}

// describeGroup is the text of --help of the commands of one group, and of the
// commands below them.
func describeGroup(root *cobra.Command, group string) string {
	var b strings.Builder
	for _, command := range root.Commands() {
		if command.GroupID != group || command.Name() == "help" {
			continue
		}
		describe(&b, command)
		for _, below := range command.Commands() {
			describe(&b, below)
		}
	}
	return b.String()
}

func describe(b *strings.Builder, command *cobra.Command) {
	_, name, _ := strings.Cut(command.CommandPath(), " ")
	fmt.Fprintf(b, "## %s\n\n", name)
	if command.Runnable() && !command.HasSubCommands() {
		_, arguments, _ := strings.Cut(command.Use, " ")
		fmt.Fprintf(b, "`%s` %s\n\n", command.CommandPath(), arguments)
	}
	fmt.Fprintf(b, "%s\n\n", cmp.Or(command.Long, command.Short+"."))
	command.LocalNonPersistentFlags().VisitAll(func(f *pflag.Flag) {
		if f.Name != "help" {
			describeFlag(b, f)
		}
	})
	if command.Example != "" {
		fmt.Fprintf(b, "%s\n\n", command.Example)
	}
}

func describeFlag(b *strings.Builder, f *pflag.Flag) {
	b.WriteString("= ")
	if f.Shorthand != "" {
		fmt.Fprintf(b, "`-%s`, ", f.Shorthand)
	}
	value, usage := pflag.UnquoteUsage(f)
	fmt.Fprintf(b, "`--%s` %s\n%s", f.Name, strings.ToUpper(value), usage)
	switch f.DefValue {
	case "", "0", "0s", "false":
	default:
		fmt.Fprintf(b, " (default %s)", f.DefValue)
	}
	b.WriteString("\n\n")
}

func describeStates() string {
	var b strings.Builder
	b.WriteString("| state | means | do |\n")
	for _, s := range stateTexts() {
		fmt.Fprintf(&b, "| %s | %s | %s |\n", s.state, s.means, s.do)
	}
	return b.String()
}

func describeScopes(kind string) string {
	uses := scope.Common()
	if config.Kind(kind) == config.Meetings {
		uses = scope.Meetings()
	}
	var b strings.Builder
	b.WriteString("| scope | allows | is needed for |\n")
	for _, u := range uses {
		fmt.Fprintf(&b, "| %s | %s | %s |\n", u.Scope, u.Allows, u.Calls)
	}
	return b.String()
}

func describeExitCodes() string {
	var b strings.Builder
	b.WriteString("| code | means | do |\n")
	for _, e := range exitCodes() {
		fmt.Fprintf(&b, "| %d | %s | %s |\n", e.code, e.means, e.do)
	}
	return b.String()
}
