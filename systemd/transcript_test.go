package systemd_test

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// A guide is what tells an operator what to do, a part of README.md and after it
// one of README.md beside this file: chapters under headlines of the third level,
// in the order in which they are followed.
type guide []chapter

type chapter struct {
	title string
	steps []step
}

// A step is one thing that the operator does: to write a file, which is code
// that begins with "# /PATH", or to give a command of a console transcript.
type step struct {
	file    string // its path; empty: a command
	command string // of one line, or of several with "> " before the later ones
	text    string // of the file, or what the command prints
}

// readGuide finds both parts under their headlines.
func readGuide(t *testing.T) guide {
	t.Helper()
	return append(readPart(t, "../README.md", "From nothing to a token"), readPart(t, "README.md", "Operate it")...)
}

func readPart(t *testing.T, path, headline string) (g guide) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	_, part, found := strings.Cut(string(text), "\n## "+headline+"\n")
	if !found {
		t.Fatalf("%s has no guide %q", path, headline)
	}
	part, _, _ = strings.Cut(part, "\n## ")
	for text := range strings.SplitSeq(part, "\n### ") {
		title, text, _ := strings.Cut(text, "\n")
		if title != withoutSystemd {
			g = append(g, chapter{title, readSteps(text)})
		}
	}
	g = g[1:] // what stands before the first headline has none
	for _, c := range g {
		if len(c.steps) == 0 {
			t.Fatalf("chapter %q of the guide has nothing to do", c.title)
		}
	}
	return g
}

// withoutSystemd is another way to the same, which init.txtar walks.
const withoutSystemd = "Without root and systemd"

// find returns the place of a chapter.
func (g guide) find(t *testing.T, title string) int {
	t.Helper()
	i := slices.IndexFunc(g, func(c chapter) bool { return c.title == title })
	if i < 0 {
		t.Fatalf("the guide has no chapter %q", title)
	}
	return i
}

// readSteps takes the code of a chapter. Code may be indented, as in lists.
func readSteps(text string) (steps []step) {
	for part := range strings.SplitSeq("\n"+text, "\n```") {
		language, code, _ := strings.Cut(part, "\n")
		path, content, _ := strings.Cut(code, "\n")
		switch {
		case language == "console":
			steps = append(steps, readTranscript(code)...)
		case language != "" && strings.HasPrefix(path, "# /"):
			steps = append(steps, step{file: strings.TrimPrefix(path, "# "), text: content})
		}
	}
	return steps
}

// readTranscript parts commands, which stand behind a prompt, from what they
// print.
func readTranscript(text string) (steps []step) {
	for line := range strings.SplitSeq(text, "\n") {
		command, prompted := strings.CutPrefix(line, "$ ")
		more, continued := strings.CutPrefix(line, "> ")
		last := len(steps) - 1
		switch {
		case prompted:
			steps = append(steps, step{command: command})
		case last < 0:
		case continued && steps[last].text == "":
			steps[last].command += "\n" + more
		default:
			steps[last].text += line + "\n"
		}
	}
	return steps
}

// digits are what differs from one day and host to the next.
var digits = regexp.MustCompile(`[0-9]+`)

// sameAs compares what a command printed with the text of a transcript. Numbers
// may differ, so dates may too. White space counts as one blank, and empty lines
// do not count. "..." stands for anything within a line, and in a line of its own
// for any lines.
func sameAs(printed, text string) bool {
	var pattern strings.Builder
	pattern.WriteString("^")
	for _, line := range squeezed(text) {
		if line == "..." {
			pattern.WriteString(`(.*\n)*`)
			continue
		}
		quoted := digits.ReplaceAllString(regexp.QuoteMeta(line), "[0-9]+")
		pattern.WriteString(strings.ReplaceAll(quoted, `\.\.\.`, ".*") + `\n`)
	}
	pattern.WriteString("$")
	return regexp.MustCompile(pattern.String()).MatchString(strings.Join(append(squeezed(printed), ""), "\n"))
}

// squeezed are the lines of a text that hold anything, with single blanks.
func squeezed(text string) (lines []string) {
	for line := range strings.Lines(text) {
		if words := strings.Fields(line); len(words) > 0 {
			lines = append(lines, strings.Join(words, " "))
		}
	}
	return lines
}

func TestATranscriptHoldsForOtherDaysAndNumbersOnly(t *testing.T) {
	const text = `
1 grant, all good; first human action needed by 2027-01-21 (ops)

  GRANT  KIND  STATE  TOKEN
  ops    rest  ok     13d 23h
made /etc/key, key 4f...
...
done
`
	for _, test := range []struct {
		name    string
		printed string
		same    bool
	}{
		{"the text itself", text, true},
		{"another day, other widths of columns", `1 grant, all good; first human action needed by 2030-12-01 (ops)
GRANT KIND       STATE TOKEN
ops   rest       ok    7d 4h

made /etc/key, key 4fcafe
and more
and more
done`, true},
		{"another word", strings.Replace(text, "all good", "not good", 1), false},
		{"a line more", strings.Replace(text, "made", "warning: beware\nmade", 1), false},
		{"a line less", strings.Replace(text, "  GRANT  KIND  STATE  TOKEN\n", "", 1), false},
		{"a word more at the end", text + "not quite", false},
		{"a word where a number was", strings.Replace(text, "13d", "some d", 1), false},
		{"nothing at all", "", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			if same := sameAs(test.printed, text); same != test.same {
				t.Errorf("the same: %t", same)
			}
		})
	}
	if !sameAs("", "") || sameAs("something", "") {
		t.Error("a command that prints nothing is not told from one that does")
	}
}

func TestAGuideIsReadAsItIsWritten(t *testing.T) {
	steps := readSteps("Words.\n\n```hcl\n# /etc/a.hcl\na = 1\n```\n\n```sh\nnot followed\n```\n\n" +
		"```console\n$ cat <<END\n> text\n> END\ntext\n\nmore\n$ true\n```\n")
	want := []step{
		{file: "/etc/a.hcl", text: "a = 1"},
		{command: "cat <<END\ntext\nEND", text: "text\n\nmore\n"},
		{command: "true", text: ""},
	}
	if fmt.Sprint(steps) != fmt.Sprint(want) {
		t.Errorf("%q, not %q", steps, want)
	}
}
