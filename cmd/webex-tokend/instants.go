package main

import (
	"fmt"
	"time"
)

const day = 24 * time.Hour

// span writes a duration as people read it: its two largest units, nothing
// below a second. "13d 4h", "2h 5m", "45s".
func span(d time.Duration) string {
	d = d.Abs()
	switch {
	case d >= day:
		return two(int(d/day), "d", int(d%day/time.Hour), "h")
	case d >= time.Hour:
		return two(int(d/time.Hour), "h", int(d%time.Hour/time.Minute), "m")
	case d >= 10*time.Minute:
		return fmt.Sprintf("%dm", int(d/time.Minute))
	case d >= time.Minute:
		return two(int(d/time.Minute), "m", int(d%time.Minute/time.Second), "s")
	}
	return fmt.Sprintf("%ds", int(d/time.Second))
}

func two(n int, unit string, m int, smaller string) string {
	if m == 0 {
		return fmt.Sprintf("%d%s", n, unit)
	}
	return fmt.Sprintf("%d%s %d%s", n, unit, m, smaller)
}

// date is the day of an instant where the operator is.
func date(t time.Time) string { return t.Local().Format(time.DateOnly) }

// minute is an instant for a line that has room for it.
func minute(t time.Time) string { return t.Local().Format("2006-01-02 15:04 MST") }

// distance tells how far an instant is, and on which side of now.
func distance(t, now time.Time) string {
	switch d := t.Sub(now); {
	case d.Abs() < time.Second:
		return "now"
	case d < 0:
		return span(d) + " ago"
	default:
		return "in " + span(d)
	}
}
