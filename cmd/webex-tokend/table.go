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

	"webex-tokend/daemon/wire"
	"webex-tokend/store"
)

// A cell is text with its stress.
type cell struct {
	text string
	tint tint
}

// column numbers of the table. The grant is the one that gives way when the
// screen is narrow, the action goes below its row.
const (
	grantColumn  = 0
	stateColumn  = 2
	actionColumn = 6
)

const (
	gap           = 2
	narrowestName = 12
)

// drawTable draws a row for each grant, within the screen's width.
func drawTable(w io.Writer, on screen, grants []wire.Grant, now time.Time) error {
	rows := [][]cell{{{"GRANT", bold}, {"KIND", bold}, {"STATE", bold}, {"TOKEN", bold}, {"REFRESH", bold}, {"WINDOW", bold}, {"ACTION", bold}}}
	for _, g := range grants {
		rows = append(rows, rowOf(g, now))
	}
	widths := make([]int, len(rows[0]))
	for _, row := range rows {
		for i, c := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(c.text))
		}
	}
	below := false // actions stand below their rows
	if on.width > 0 {
		others := 2 // the sign
		for _, width := range widths[:actionColumn] {
			others += width + gap
		}
		if below = others+widths[actionColumn] > on.width; below {
			rows[0][actionColumn].text = ""
			tooMuch := others - gap - on.width
			widths[grantColumn] = max(widths[grantColumn]-max(tooMuch, 0), min(widths[grantColumn], narrowestName))
		}
	}
	out := bufio.NewWriter(w)
	for i, row := range rows {
		mark := " "
		if i > 0 {
			mark = sign(store.State(grants[i-1].State))
		}
		line := on.paint(row[stateColumn].tint, mark) + " "
		if i == 0 {
			line = "  "
		}
		for n, c := range row {
			if n == actionColumn && below {
				break
			}
			text := cut(c.text, widths[n])
			line += on.paint(c.tint, text) + strings.Repeat(" ", widths[n]-utf8.RuneCountInString(text)+gap)
		}
		fmt.Fprintln(out, strings.TrimRight(line, " "))
		if action := row[actionColumn].text; below && i > 0 && action != "" {
			fmt.Fprintln(out, "    "+on.paint(faint, "-> ")+cut(action, on.width-7))
		}
	}
	return out.Flush()
}

// cut shortens text that does not fit and shows that it did.
func cut(text string, width int) string {
	if utf8.RuneCountInString(text) <= width {
		return text
	}
	return string([]rune(text)[:max(width-2, 0)]) + ".."
}

func rowOf(g wire.Grant, now time.Time) []cell {
	return []cell{
		{g.Name, plain},
		{g.Kind, plain},
		{g.State, tintOf(store.State(g.State))},
		tokenLeft(g, now),
		nextRefresh(g, now),
		windowOf(g, now),
		{nextStep(g), plain},
	}
}

// sign marks rows for those who see no colour.
func sign(state store.State) string {
	switch state {
	case store.OK:
		return " "
	case store.Retrying, store.Unknown, store.Pending:
		return "~"
	case store.Paused:
		return "-"
	}
	return "!"
}

func tintOf(state store.State) tint {
	switch sign(state) {
	case " ":
		return green
	case "~":
		return yellow
	case "-":
		return faint
	}
	return red
}

func tokenLeft(g wire.Grant, now time.Time) cell {
	switch {
	case g.AccessExpiresAt == nil && g.Generation > 0:
		return cell{"unlimited", plain}
	case g.AccessExpiresAt == nil:
		return cell{"-", faint}
	case !now.Before(*g.AccessExpiresAt):
		return cell{"expired", red}
	}
	return cell{guess(g, "access_expires_at") + span(g.AccessExpiresAt.Sub(now)), plain}
}

// lateness is how far behind a refresh may be before it is called overdue: a
// sweep and a fair exchange.
const lateness = time.Minute

func nextRefresh(g wire.Grant, now time.Time) cell {
	switch {
	case g.RefreshDueAt == nil:
		return cell{"-", faint}
	case now.Sub(*g.RefreshDueAt) > lateness:
		return cell{"late " + span(now.Sub(*g.RefreshDueAt)), yellow}
	case !now.Before(*g.RefreshDueAt):
		return cell{"now", plain}
	}
	return cell{"in " + span(g.RefreshDueAt.Sub(now)), plain}
}

// windowNear is from when on a window's end is told as a span, because then
// hours begin to matter.
const windowNear = 14 * day

func windowOf(g wire.Grant, now time.Time) cell {
	if g.WindowEndsAt == nil {
		return cell{"-", faint}
	}
	behaviour := map[string]string{"sliding": "slides", "fixed": "fixed"}[g.Window]
	left := g.WindowEndsAt.Sub(now)
	when, t := date(*g.WindowEndsAt), plain
	switch {
	case left <= 0:
		when, t = "ended "+when, red
	case left < 3*day:
		when, t = "in "+span(left), red
	case left < windowNear:
		when, t = "in "+span(left), yellow
	}
	return cell{fmt.Sprintf("%s%s %s", guess(g, "window_ends_at"), when, cmp.Or(behaviour, "unknown")), t}
}

// guess marks what no response said.
func guess(g wire.Grant, field string) string {
	if slices.Contains(g.Assumed, field) {
		return "~"
	}
	return ""
}

// nextStep says what to do, and why where the state does not.
func nextStep(g wire.Grant) string {
	switch {
	case g.Action == "":
		return g.Reason
	case g.Reason == "":
		return g.Action
	}
	return g.Action + "  # " + strings.ReplaceAll(g.Reason, "_", " ")
}
