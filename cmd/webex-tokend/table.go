package main

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"webex-tokend/daemon/config"
	"webex-tokend/daemon/verdict"
	"webex-tokend/daemon/wire"
	"webex-tokend/store"
)

// A cell is text with its stress.
type cell struct {
	text string
	tint tint
}

// A column is a title and what stands below it.
type column struct {
	title string
	cells []cell
	width int
}

func newColumn(title string, grants []wire.Grant, show func(wire.Grant) cell) *column {
	c := &column{title: title, width: utf8.RuneCountInString(title)}
	for _, g := range grants {
		shown := show(g)
		c.cells = append(c.cells, shown)
		c.width = max(c.width, utf8.RuneCountInString(shown.text))
	}
	return c
}

// empty reports whether there is nothing to read below the title.
func (c *column) empty() bool {
	return !slices.ContainsFunc(c.cells, func(c cell) bool { return c.text != "" })
}

const (
	gap           = 2
	signWidth     = 2
	legibleName   = 16 // columns make room for so much of a name
	narrowestName = 8
	narrowestWhy  = 12
)

// room is what columns take, from the first character of the line.
func room(columns []*column) int {
	n := signWidth - gap
	for _, c := range columns {
		n += c.width + gap
	}
	return n
}

// drawTable draws a row for each grant within the screen's width. Where it is
// narrow, what to do and why go below their row and names are cut; where even
// that is too wide, the kind and then the next refresh are left out. A command
// is never cut beside its row: half of one is worse than none. Where there is
// room to spare, windows are drawn as bars too.
func drawTable(w io.Writer, on screen, grants []wire.Grant, now time.Time) error {
	at := func(show func(wire.Grant, time.Time) cell) func(wire.Grant) cell {
		return func(g wire.Grant) cell { return show(g, now) }
	}
	name := newColumn("GRANT", grants, func(g wire.Grant) cell { return cell{g.Name, plain} })
	kind := newColumn("KIND", grants, func(g wire.Grant) cell { return cell{g.Kind, plain} })
	state := newColumn("STATE", grants, func(g wire.Grant) cell { return cell{g.State, tintOf(g)} })
	token := newColumn("TOKEN", grants, at(tokenLeft))
	refresh := newColumn("REFRESH", grants, at(nextRefresh))
	window := newColumn("WINDOW", grants, at(windowOf))
	action := newColumn("ACTION", grants, func(g wire.Grant) cell { return cell{g.Action, plain} })
	why := newColumn("REASON", grants, func(g wire.Grant) cell { return cell{words(g.Reason), plain} })

	bars := newColumn("", grants, func(g wire.Grant) cell { return cell{bar(g, now), faint} })

	columns := []*column{name, kind, state, token, refresh, window}
	full := slices.Concat(columns, slices.DeleteFunc([]*column{action, why}, (*column).empty))
	excess := room(full) - on.width
	below := on.width > 0 && excess > max(why.width-narrowestWhy, 0)
	if !below {
		columns = full
		if on.width > 0 {
			why.width -= max(excess, 0)
		}
	} else {
		for _, least := range []*column{kind, refresh} {
			if room(columns)-name.width+min(name.width, legibleName) > on.width {
				columns = slices.DeleteFunc(columns, func(c *column) bool { return c == least })
			}
		}
		name.width -= min(max(room(columns)-on.width, 0), name.width-min(name.width, narrowestName))
	}

	if !bars.empty() && room(columns)+bars.width+gap <= on.width {
		columns = slices.Insert(columns, slices.Index(columns, window), bars)
	}

	out := bufio.NewWriter(w)
	drawRow(out, on, " ", columns, func(c *column) cell { return cell{c.title, bold} })
	for i, g := range grants {
		mark := on.paint(state.cells[i].tint, sign(g))
		drawRow(out, on, mark, columns, func(c *column) cell { return c.cells[i] })
		if step := nextStep(g, on.width); below && step != "" {
			fmt.Fprintf(out, "  %s\n", on.paint(faint, step))
		}
	}
	return out.Flush()
}

// drawRow leaves no blanks at the end of a line.
func drawRow(w io.Writer, on screen, mark string, columns []*column, of func(*column) cell) {
	line, blanks := mark, signWidth-1
	for _, c := range columns {
		shown := of(c)
		text := cut(shown.text, c.width)
		if text != "" {
			line += strings.Repeat(" ", blanks) + on.paint(shown.tint, text)
			blanks = 0
		}
		blanks += c.width - utf8.RuneCountInString(text) + gap
	}
	fmt.Fprintln(w, line)
}

// cut shortens text that does not fit and shows that it did.
func cut(text string, width int) string {
	if utf8.RuneCountInString(text) <= width {
		return text
	}
	return string([]rune(text)[:max(width-2, 0)]) + ".."
}

// sign marks rows for those who see no colour.
func sign(g wire.Grant) string {
	if g.State == string(store.Paused) && verdict.Shown(g).Cause(verdict.Usual(), time.Now()) == verdict.Resting {
		return "-"
	}
	return levelSign(g.Level)
}

func levelSign(level string) string {
	switch verdict.Level(level) {
	case verdict.Critical:
		return "!"
	case verdict.Fine:
		return " "
	case verdict.Working:
		return "~"
	}
	return "*"
}

func tintOf(g wire.Grant) tint { return signTint(sign(g)) }

func signTint(sign string) tint {
	switch sign {
	case " ":
		return green
	case "!":
		return red
	case "-":
		return faint
	}
	return yellow
}

func tokenLeft(g wire.Grant, now time.Time) cell {
	switch {
	case tokenless(g):
		return cell{"-", faint}
	case g.AccessExpiresAt == nil:
		return cell{"no end", plain}
	case !now.Before(*g.AccessExpiresAt):
		return cell{"expired", red}
	}
	return cell{guess(g, "access_expires_at") + span(g.AccessExpiresAt.Sub(now)), plain}
}

// tokenless reports whether a grant has no access token yet: it was registered by a
// refresh token alone, or not at all. Only static tokens go without an end.
func tokenless(g wire.Grant) bool {
	return g.Generation == 0 || g.AccessExpiresAt == nil && g.Kind != string(config.Static)
}

func nextRefresh(g wire.Grant, now time.Time) cell {
	switch {
	case g.RefreshDueAt == nil:
		return cell{"-", faint}
	case now.Sub(*g.RefreshDueAt) > verdict.OverdueAfter:
		return cell{"overdue", yellow}
	case !now.Before(*g.RefreshDueAt):
		return cell{"now", plain}
	}
	return cell{"in " + span(g.RefreshDueAt.Sub(now)), plain}
}

func windowOf(g wire.Grant, now time.Time) cell {
	end := g.End()
	if end == nil {
		return cell{"-", faint}
	}
	behaviour, guessed := map[string]string{"sliding": "slides", "fixed": "fixed"}[g.Window], guess(g, "window_ends_at")
	if g.Kind == string(config.Static) {
		behaviour, guessed = "fixed", guess(g, "access_expires_at")
	}
	left, moves := end.Sub(now), verdict.Shown(g).Moves
	when, t := date(*end), plain
	switch limits := verdict.Usual(); {
	case left <= 0:
		when, t = "ended "+when, red
	case left < limits.Critical:
		when, t = "in "+span(left), red
	case left < limits.Warning:
		when, t = "in "+span(left), yellow
	}
	if moves && left > 0 {
		t = plain // the next refresh moves it
	}
	return cell{fmt.Sprintf("%s%s %s", guessed, when, cmp.Or(behaviour, "?")), t}
}

// bar draws how much of a quarter of a year is left: a picture of the column's
// figures, for the eye that runs down it.
func bar(g wire.Grant, now time.Time) string {
	const cells, full = 6, 90 * day
	end := g.End()
	if end == nil {
		return ""
	}
	left := min(max(end.Sub(now), 0), full)
	n := int((left*cells + full - 1) / full)
	return "[" + strings.Repeat("#", n) + strings.Repeat(".", cells-n) + "]"
}

// guess marks what no response said.
func guess(g wire.Grant, field string) string {
	if slices.Contains(g.Assumed, field) {
		return "~"
	}
	return ""
}

// nextStep says what to do, and why, in words that a shell takes as they are.
// Only the reason is cut.
func nextStep(g wire.Grant, width int) string {
	width -= signWidth
	step := "-> " + g.Action
	switch {
	case g.Action == "" && g.Reason == "":
		return ""
	case g.Action == "":
		return cut("-> "+words(g.Reason), width)
	case utf8.RuneCountInString(step) > width:
		verb, name := step[:strings.LastIndexByte(step, ' ')], step[strings.LastIndexByte(step, ' ')+1:]
		return verb + " \\\n       " + name
	case g.Reason == "" || utf8.RuneCountInString(step)+narrowestWhy > width:
		return step
	}
	return cut(step+"  # "+words(g.Reason), width)
}

// words makes a reason readable that is a code for programs.
func words(reason string) string {
	if strings.Contains(reason, " ") {
		return reason
	}
	return strings.ReplaceAll(reason, "_", " ")
}
