package web

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"webex-tokend/daemon/verdict"
	"webex-tokend/store"
)

const day = 24 * time.Hour

// length writes a duration in one unit, or two where the larger one is small:
// "58 days", "2 h 5 min", "45 s".
func length(d time.Duration) string {
	d = d.Abs()
	switch {
	case d >= 2*day:
		// A moment after an answer its 90 days are not to read as 89.
		return fmt.Sprintf("%d days", int((d+time.Hour)/day))
	case d >= 3*time.Hour:
		return fmt.Sprintf("%d h", int(d/time.Hour))
	case d >= time.Hour:
		return fmt.Sprintf("%d h %d min", int(d/time.Hour), int(d%time.Hour/time.Minute))
	case d >= time.Minute:
		return fmt.Sprintf("%d min", int(d/time.Minute))
	}
	return fmt.Sprintf("%d s", int(d/time.Second))
}

// distance tells on which side of now an instant is.
func distance(t, now time.Time) string {
	switch d := t.Sub(now); {
	case d.Abs() < time.Second:
		return "now"
	case d < 0:
		return length(d) + " ago"
	default:
		return "in " + length(d)
	}
}

func date(t time.Time) string { return t.Local().Format("2 Jan 2006") }

func minute(t time.Time) string { return t.Local().Format("2 Jan 2006, 15:04 MST") }

// count writes "1 grant", "3,000 grants".
func count(n int, thing string) string {
	if n != 1 {
		thing += "s"
	}
	return grouped(n) + " " + thing
}

func grouped(n int) string {
	digits := strconv.Itoa(n)
	var b strings.Builder
	for i, r := range digits {
		if i > 0 && (len(digits)-i)%3 == 0 {
			b.WriteByte(',')
		}
		b.WriteRune(r)
	}
	return b.String()
}

// words makes a reason readable that is a code for programs.
func words(reason string) string {
	if !strings.Contains(reason, " ") {
		return strings.ReplaceAll(reason, "_", " ")
	}
	return reason
}

// toneOf groups levels by their colour and sign: good asks nothing, busy
// patience or somebody soon, rest nothing for now, bad somebody now.
func toneOf(state, level string) string {
	switch verdict.Level(level) {
	case verdict.Fine:
		return "good"
	case verdict.Critical:
		return "bad"
	}
	if state == string(store.Paused) {
		return "rest"
	}
	return "busy"
}
