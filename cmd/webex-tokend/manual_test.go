package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

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

func TestTheManualHasEveryStateAndExitCode(t *testing.T) {
	text := pageOf(t, 8)
	var told []store.State
	for _, s := range stateTexts() {
		told = append(told, s.state)
		if !strings.Contains(text, fmt.Sprintf("T{\n%s\nT}\tT{\n%s\nT}\tT{\n%s\nT}\n", s.state, inline(s.means), inline(s.do))) {
			t.Errorf("the manual has no row for state %s", s.state)
		}
	}
	if all := store.ByUrgency(); len(told) != len(all) || slices.ContainsFunc(all, func(s store.State) bool { return !slices.Contains(told, s) }) {
		t.Errorf("states %v are told of, and there are %v", told, all)
	}
	for _, e := range exitCodes() {
		if !strings.Contains(text, fmt.Sprintf("T{\n%d\nT}\tT{\n%s\nT}\tT{\n%s\nT}\n", e.code, inline(e.means), inline(e.do))) {
			t.Errorf("the manual has no row for exit code %d", e.code)
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
		text, err := p.text(newRoot(&console{}), build{Version: "v1.0.0", Time: "2026-11-22T03:15:00Z"})
		if err != nil {
			t.Fatal(err)
		}
		if out := lint(text); out != "" {
			t.Errorf("%s: %s", p.file(), out)
		}
	}
	if lint(pageOf(t, 8)+".TS\n") == "" {
		t.Error("a broken page passes")
	}
}

func TestARecipeIsInTheManualAsItStandsInItsFile(t *testing.T) {
	const text = "# curl\n\nBy [the\nfile](x.md#y):\n\n```sh\ncurl -H @f\n\necho [a](b)\n```\n\n| a | b |\n|---|---|\n| 1 | [2](c) |\n"
	const want = "# CURL\n\nBy the\nfile:\n\n\n  curl -H @f\n  \n  echo [a](b)\n\n\n| a | b |\n| 1 | 2 |\n"
	if got := fromMarkdown(text); got != want {
		t.Errorf("%q, not %q", got, want)
	}
	all, err := describeRecipes()
	if err != nil {
		t.Fatal(err)
	}
	files, err := recipeFiles.ReadDir("recipes")
	if err != nil || len(files) != len(recipeOrder()) || strings.Count("\n"+all, "\n# ") != len(files) {
		t.Errorf("the manual has %d recipes of %d, %v", strings.Count("\n"+all, "\n# "), len(files), err)
	}
}

// README.md once had five beginnings and 580 lines.
func TestReadmeIsOnePathOfAtMost160Lines(t *testing.T) {
	text, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	if lines := strings.Count(string(text), "\n"); lines > 160 {
		t.Errorf("%d lines", lines)
	}
	last := -1
	for _, step := range []string{"go run ./cmd/webex-tokend demo\ngo test ./...\n", "### Install\n", "$ webex-tokend init ", "$ webex-tokend authorize ops", "$ webex-tokend token ops", "## Where to read on\n"} {
		at := strings.Index(string(text), step)
		if at <= last {
			t.Errorf("%q stands at %d, after %d", step, at, last)
		}
		last = at
	}
}
