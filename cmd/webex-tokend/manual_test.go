package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"webex-tokend/daemon/config"
	"webex-tokend/store"
)

// pageOf is the text of a page, from a build with a date.
func pageOf(t *testing.T, section int) string {
	t.Helper()
	for _, p := range manualPages() {
		if p.section == section {
			text, err := p.text(newRoot(&console{}), build{Version: "v1.0.0", Time: "2026-11-22T03:15:00Z"})
			if err != nil {
				t.Fatal(err)
			}
			return text
		}
	}
	t.Fatalf("no page in section %d", section)
	return ""
}

// source is what a page is made from.
func source(t *testing.T, file string) string {
	t.Helper()
	text, err := manualFiles.ReadFile("manual/" + file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestTheManualHasEveryCommandAndFlag(t *testing.T) {
	text := pageOf(t, 8)
	count := 0
	var walk func(*cobra.Command)
	walk = func(c *cobra.Command) {
		if c.HasParent() {
			_, name, _ := strings.Cut(c.CommandPath(), " ")
			if !strings.Contains(text, "\n.SS "+name+"\n") {
				t.Errorf("command %s is missing", name)
			}
		}
		c.LocalFlags().VisitAll(func(f *pflag.Flag) {
			if !strings.Contains(text, `\fB`+exact("--"+f.Name)+`\fR`) {
				t.Errorf("flag --%s of %s is missing", f.Name, c.CommandPath())
			}
			count++
		})
		for _, below := range c.Commands() {
			walk(below)
		}
	}
	walk(newRoot(&console{}))
	if count < 50 {
		t.Errorf("only %d flags were looked for", count)
	}
}

func TestManualAndReadmeHaveEveryStateAndExitCode(t *testing.T) {
	text := pageOf(t, 8)
	content, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	readme := strings.Join(strings.Fields(string(content)), " ")
	var told []store.State
	for _, s := range stateTexts() {
		told = append(told, s.state)
		if !strings.Contains(text, fmt.Sprintf("T{\n%s\nT}\tT{\n%s\nT}\tT{\n%s\nT}\n", s.state, inline(s.means), inline(s.do))) {
			t.Errorf("the manual has no row for state %s", s.state)
		}
		if row := fmt.Sprintf("| `%s` | %s | %s |", s.state, s.means, s.do); s.state != store.OK && !strings.Contains(readme, row) {
			t.Errorf("README.md has no row %s", row)
		}
	}
	if all := store.ByUrgency(); len(told) != len(all) || slices.ContainsFunc(all, func(s store.State) bool { return !slices.Contains(told, s) }) {
		t.Errorf("states %v are told of, and there are %v", told, all)
	}
	for _, e := range exitCodes() {
		if !strings.Contains(text, fmt.Sprintf("T{\n%d\nT}\tT{\n%s\nT}\tT{\n%s\nT}\n", e.code, inline(e.means), inline(e.do))) {
			t.Errorf("the manual has no row for exit code %d", e.code)
		}
		if !strings.Contains(readme, fmt.Sprintf("%d %s", e.code, e.means)) {
			t.Errorf("README.md does not say: %d %s", e.code, e.means)
		}
	}
}

// The codes are those that the source declares.
func TestEveryExitCodeIsExplained(t *testing.T) {
	content, err := os.ReadFile("exit.go")
	if err != nil {
		t.Fatal(err)
	}
	declared := regexp.MustCompile(`(?m)^\texit[A-Z]\w+ += (\d+)`).FindAllStringSubmatch(string(content), -1)
	if len(declared) < 9 {
		t.Fatalf("only %d codes are found", len(declared))
	}
	for _, d := range declared {
		if !slices.ContainsFunc(exitCodes(), func(e exitCode) bool { return fmt.Sprint(e.code) == d[1] }) {
			t.Errorf("code %s is not explained", d[1])
		}
	}
}

// A setting is a line of the manual: = `key`: type, default `value`.
type setting struct{ section, key, value string }

func settings(t *testing.T) []setting {
	t.Helper()
	line := regexp.MustCompile("^(?:# (.*)|= `([a-z_]+)`: [^`]*?(?:, default `(.*)`)?)$")
	var all []setting
	section := ""
	for text := range strings.Lines(source(t, "webex-tokend.hcl.5")) {
		switch m := line.FindStringSubmatch(strings.TrimSuffix(text, "\n")); {
		case m == nil:
		case m[1] != "":
			section = strings.ToLower(m[1])
		default:
			all = append(all, setting{section, m[2], m[3]})
		}
	}
	if len(all) < 70 {
		t.Fatalf("only %d settings are found", len(all))
	}
	return all
}

// That the example has every key of the grammar is tested beside the grammar.
func TestTheManualHasEverySettingOfTheExample(t *testing.T) {
	content, err := os.ReadFile("../../config.example.hcl")
	if err != nil {
		t.Fatal(err)
	}
	var told []string // section key
	for _, s := range settings(t) {
		told = append(told, s.section+" "+s.key)
	}
	var shown []string
	blocks := []string{"top level"}
	open := regexp.MustCompile(`^([a-z]+)( "[^"]*")? \{$`)
	assigned := regexp.MustCompile(`^([a-z_]+) += `)
	here := false // inside a text of several lines
	for line := range strings.Lines(string(content)) {
		line = strings.Trim(line, "# \t\n")
		if here {
			here = line != "EOT"
			continue
		}
		here = strings.HasSuffix(line, "<<-EOT")
		if m := open.FindStringSubmatch(line); m != nil {
			blocks = append(blocks, m[1])
		} else if m := assigned.FindStringSubmatch(line); m != nil {
			shown = append(shown, blocks[len(blocks)-1]+" "+m[1])
		} else if line == "}" {
			blocks = blocks[:len(blocks)-1]
		}
	}
	if len(blocks) != 1 || !slices.Contains(shown, "refresh calendar") || !slices.Contains(shown, "file template") {
		t.Fatalf("the example is not understood: %v in %v", shown, blocks)
	}
	for _, s := range shown {
		if !slices.Contains(told, s) {
			t.Errorf("the manual lacks %s", s)
		}
	}
	for _, s := range told {
		if !slices.Contains(shown, s) {
			t.Errorf("the manual tells of %s, which the example does not have", s)
		}
	}
}

// surroundings of a setting make a configuration that is valid with and without
// it; HERE is its place.
var surroundings = map[string]string{
	"top level":   "HERE",
	"api":         "api {\nHERE\n}",
	"http":        "http {\nHERE\n}",
	"seal":        "seal {\nHERE\n}",
	"alert":       "alert {\nHERE\n}",
	"maintenance": "maintenance {\nHERE\n}",
	"integration": "integration \"x\" {\nkind = \"rest\"\nclient_id = \"C0ffee\"\nclient_secret_file = \"/secret\"\nsite = \"acme\"\nHERE\n}",
	"seed":        bot("seed {\nfile = \"/seed\"\nHERE\n}"),
	"refresh":     bot("refresh {\nHERE\n}"),
	"file":        bot("file {\npath = \"/run/webex-tokend/x\"\nformat = \"env\"\nHERE\n}"),
	"file format": bot("file {\npath = \"/run/webex-tokend/x\"\nHERE\n}"),
	"hook":        bot("hook {\ncommand = [\"/bin/true\"]\nHERE\n}"),
	"hook signal": bot("hook {\npid_file = \"/x.pid\"\nHERE\n}"),
}

func bot(block string) string {
	return "integration \"x\" {\nkind = \"static\"\n}\ngrant \"x\" {\nintegration = \"x\"\n" + block + "\n}"
}

func TestTheDefaultsInTheManualAreTheDefaults(t *testing.T) {
	all := settings(t)
	var endpoints strings.Builder // one of them alone would move the others to its host
	for _, s := range all {
		if s.section == "integration" && strings.HasSuffix(s.key, "_url") && s.value != "" {
			fmt.Fprintf(&endpoints, "%s = %s\n", s.key, s.value)
		}
	}
	for _, s := range all {
		around, ok := surroundings[s.section+" "+s.key]
		if !ok {
			around, ok = surroundings[s.section]
		}
		if !ok || s.value == "" {
			continue
		}
		read := func(line string) *config.Config {
			c, err := config.Parse([]byte(strings.Replace(around, "HERE", line, 1)), "config.hcl")
			if err != nil {
				t.Fatalf("%s, %s: %v", s.section, s.key, err)
			}
			c.Warnings = nil
			return c
		}
		line := s.key + " = " + s.value
		if strings.Contains(endpoints.String(), line+"\n") {
			line = endpoints.String()
		}
		if with, without := read(line), read(""); !reflect.DeepEqual(with, without) {
			t.Errorf("%s, %s: %s is not the default", s.section, s.key, s.value)
		}
	}
}

func TestTheManualIsTypesetWithoutComplaint(t *testing.T) {
	mandoc, err := exec.LookPath("mandoc")
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal(err)
		}
		t.Skip("there is no mandoc")
	}
	lint := func(text string) string {
		file := filepath.Join(t.TempDir(), "page")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		out, _ := exec.Command(mandoc, "-T", "lint", "-W", "warning", file).CombinedOutput()
		return string(out)
	}
	for _, p := range manualPages() {
		if out := lint(pageOf(t, p.section)); out != "" {
			t.Errorf("%s: %s", p.file(), out)
		}
	}
	if lint(pageOf(t, 8)+".TS\n") == "" {
		t.Error("a broken page passes")
	}
}

func TestTextIsTypesetAsItWasMarked(t *testing.T) {
	const text = "# NAME\n\nx - y\n\n= `--once`, WORD \nwhat it does\n\n| a | b |\n| 1 | `2` |\n\nrun it:\n  .x 'a-b'\n'tis \\ said"
	const want = `'\" t
.nr HY 0
.TH X 8
.ad l
.SH NAME
x - y
.TP
\fB\-\-once\fR, WORD
what it does
.TS
lb lbx
lb lx.
T{
a
T}	T{
b
T}
T{
1
T}	T{
\fB2\fR
T}
.TE
.PP
run it:
.RS 4
.PP
.EX
\&.x \(aqa\-b\(aq
.EE
.RE
.PP
\&'tis \e said
`
	if got := typeset("X 8", text); got != want {
		t.Errorf("typeset as\n%s", got)
	}
}
