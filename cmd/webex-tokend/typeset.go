package main

import (
	"fmt"
	"iter"
	"regexp"
	"strings"
	"sync"
)

// typeset turns light markup, in which the sources of the manual and the texts
// of --help are written, into a page in the macros of man(7):
//
//	# NAME            a section
//	## key init       a subsection
//	= `--once`        a term; the lines below it explain it
//	| state | do |    a table, whose first row is its head
//	  webex-tokend    an example, by two columns or more
//	`word`, --word    bold
//
// Everything else is paragraphs. Blocks are apart by empty lines. The title is
// what .TH takes.
func typeset(title, text string) string {
	var page strings.Builder
	// The first line tells man(1) that there are tables. Words are not split,
	// and lines not justified: names and commands stay whole.
	fmt.Fprintf(&page, "'\\\" t\n.nr HY 0\n.TH %s\n.ad l\n", title)
	headed := false // .SH and .SS begin a paragraph themselves
	for block := range blocks(text) {
		first, isHeading := block[0], false
		switch {
		case strings.HasPrefix(first, "# "):
			fmt.Fprintf(&page, ".SH %s\n", spoken(first[2:]))
			isHeading = true
		case strings.HasPrefix(first, "## "):
			fmt.Fprintf(&page, ".SS %s\n", spoken(first[3:]))
			isHeading = true
		case strings.HasPrefix(first, "= "):
			fmt.Fprintf(&page, ".TP\n%s\n%s", inline(strings.TrimSpace(first[2:])), paragraph(block[1:]))
		case strings.HasPrefix(first, "| "):
			page.WriteString(table(block))
		case strings.HasPrefix(first, "  "):
			page.WriteString(example(block))
		default:
			if !headed {
				page.WriteString(".PP\n")
			}
			page.WriteString(paragraph(block))
		}
		headed = isHeading
	}
	return page.String()
}

// blocks yields the lines between empty lines; an example needs none around it.
func blocks(text string) iter.Seq[[]string] {
	return func(yield func([]string) bool) {
		var block []string
		for line := range strings.SplitSeq(text+"\n", "\n") {
			if len(block) > 0 && (line == "" || isExample(line) != isExample(block[0])) {
				if !yield(block) {
					return
				}
				block = nil
			}
			if line != "" {
				block = append(block, line)
			}
		}
	}
}

func isExample(line string) bool { return strings.HasPrefix(line, "  ") }

func paragraph(lines []string) string {
	var b strings.Builder
	for line := range strings.SplitSeq(inline(strings.Join(lines, "\n")), "\n") {
		b.WriteString(guarded(line) + "\n")
	}
	return b.String()
}

func example(lines []string) string {
	var b strings.Builder
	b.WriteString(".RS 4\n.PP\n.EX\n")
	for _, line := range lines {
		b.WriteString(guarded(exact(line[2:])) + "\n")
	}
	b.WriteString(".EE\n.RE\n")
	return b.String()
}

// table lets all columns but the first share the width of the screen.
func table(rows []string) string {
	var b strings.Builder
	more := strings.Count(rows[0], " | ")
	fmt.Fprintf(&b, ".TS\nlb%s\nlb%s.\n", strings.Repeat(" lbx", more), strings.Repeat(" lx", more))
	for _, row := range rows {
		for i, cell := range strings.Split(strings.Trim(row, "| "), " | ") {
			if i > 0 {
				b.WriteByte('\t')
			}
			fmt.Fprintf(&b, "T{\n%s\nT}", guarded(inline(cell)))
		}
		b.WriteByte('\n')
	}
	b.WriteString(".TE\n")
	return b.String()
}

// Flags are bold without being marked, because --help marks nothing.
var marked = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile("`[^`]+`|--[a-z][a-z-]*[a-z]")
})

func inline(text string) string {
	var b strings.Builder
	end := 0
	for _, at := range marked().FindAllStringIndex(text, -1) {
		b.WriteString(spoken(text[end:at[0]]))
		b.WriteString(`\fB` + exact(strings.Trim(text[at[0]:at[1]], "`")) + `\fR`)
		end = at[1]
	}
	return b.String() + spoken(text[end:])
}

// spoken is text of which typesetting may choose the signs; exact is text that
// somebody copies from the page, where a minus must not become a hyphen.
func spoken(text string) string {
	return strings.NewReplacer(`\`, `\e`, "~", `\(ti`, "^", `\(ha`).Replace(text)
}

func exact(text string) string {
	return strings.NewReplacer("-", `\-`, "'", `\(aq`, "`", `\(ga`).Replace(spoken(text))
}

// guarded keeps a line of text from being taken for a request.
func guarded(line string) string {
	if strings.HasPrefix(line, ".") || strings.HasPrefix(line, "'") {
		return `\&` + line
	}
	return line
}
