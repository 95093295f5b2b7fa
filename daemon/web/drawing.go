package web

import (
	"fmt"
	"time"
)

// Wide and Narrow are the same picture for a desk and for a hand: text keeps
// its size, so it cannot just be scaled. In the hand, names stand above their
// bars.
func (t *timeline) Wide() drawing { return t.draw(1080, 168) }

func (t *timeline) Narrow() drawing {
	less := *t
	if len(t.Columns) > 0 {
		less.Bars = t.Bars[:min(len(t.Bars), barsInHand)]
	}
	return less.draw(322, 0)
}

// A drawing is a timeline in units of the picture.
type drawing struct {
	Width, Height int
	Left, Right   float64 // of the axis
	Today         float64
	Bottom        float64 // of the bars
	Months        []tick  // dates, below
	Spans         []tick  // days from now, above
	Bars          []drawnBar
	Columns       []drawnColumn
	Base, Top     float64 // of the columns
	Most          int
	Line          float64 // height of a bar's line
	Legend        legend
}

type tick struct {
	X    float64
	Text string
}

type drawnBar struct {
	bar
	Row          float64 // top of its line
	X, Y, Length float64
	Ended, Over  bool
	Label, When  string // the grant, cut to fit, and the date of the end

	LabelX, LabelY, WhenX   float64
	LabelAnchor, WhenAnchor string
}

type drawnColumn struct {
	column
	X, Y, Width, Height float64
	Text                string
}

const (
	headRoom  = 30.0
	lineSize  = 26.0
	footRoom  = 26.0
	columnTop = 84.0 // height of the fullest column
	letter    = 7.7  // width of one in a name, in most fonts
)

// draw lays the picture out for a width, with room for names at the left, or
// none.
func (t *timeline) draw(width int, names float64) drawing {
	d := drawing{Width: width, Left: names, Right: float64(width) - 16, Most: t.Most}
	step, line, above := 15, lineSize, 0.0
	if names == 0 {
		step, line, above = 30, 1.7*lineSize, 15
	}
	x := func(days float64) float64 {
		return d.Left + (min(max(days, -past), axis)+past)/(axis+past)*(d.Right-d.Left)
	}
	d.Today = x(0)
	d.Line = line
	d.Bottom = headRoom + line*float64(len(t.Bars))
	for days := step; days <= axis; days += step {
		d.Spans = append(d.Spans, tick{x(float64(days)), fmt.Sprintf("+%d d", days)})
	}
	first := time.Date(t.now.Local().Year(), t.now.Local().Month(), 1, 0, 0, 0, 0, time.Local)
	for month := range axis/28 + 1 {
		at := first.AddDate(0, month+1, 0)
		if days := float64(at.Sub(t.now)) / float64(day); days <= axis-2 {
			d.Months = append(d.Months, tick{x(days), at.Format("2 Jan")})
		}
	}
	for i, b := range t.Bars {
		drawn := drawnBar{bar: b, Row: headRoom + line*float64(i), X: min(x(b.Days), d.Today), Ended: b.Days < 0, Over: b.Days > axis}
		drawn.Y = drawn.Row + above + (line-above)/2
		drawn.Length = max(x(b.Days), d.Today) - drawn.X
		if names > 0 {
			drawn.Label, drawn.LabelX, drawn.LabelY, drawn.LabelAnchor = cut(b.Name, int(names/letter)), names-12, drawn.Y, "end"
		} else {
			drawn.Label, drawn.LabelX, drawn.LabelY, drawn.LabelAnchor = cut(b.Name, int((d.Right-d.Today)/letter)), d.Today+6, drawn.Row+above-1, "start"
		}
		drawn.When, drawn.WhenX, drawn.WhenAnchor = b.End.Local().Format("2 Jan"), x(b.Days)+12, "start"
		switch {
		case drawn.Ended:
			drawn.When, drawn.WhenX = "ended "+drawn.When, d.Today+12
		case drawn.Over:
			drawn.When = b.End.Local().Format("Jan 2006")
		}
		if drawn.WhenX > d.Right-52 {
			drawn.WhenX, drawn.WhenAnchor = x(b.Days)-14, "end"
		}
		d.Bars = append(d.Bars, drawn)
		d.Legend.add(drawn)
	}
	d.Height = int(d.Bottom + footRoom)
	if len(t.Columns) == 0 {
		return d
	}
	d.Top = d.Bottom + footRoom + 26
	if names == 0 {
		d.Top += lineSize
	}
	d.Base = d.Top + columnTop
	d.Height = int(d.Base + footRoom)
	told := false
	for _, c := range t.Columns {
		if c.Count == 0 {
			continue
		}
		height := max(columnTop*float64(c.Count)/float64(t.Most), 2)
		drawn := drawnColumn{column: c, X: x(float64(c.From)) + 1, Width: x(columnDays) - x(0) - 2, Height: height, Y: d.Base - height}
		if names > 0 || c.Count == t.Most && !told {
			drawn.Text, told = grouped(c.Count), true
		}
		d.Columns = append(d.Columns, drawn)
	}
	return d
}

// About is what the picture says of a bar to whoever does not see it.
func (b bar) About() string {
	if b.Days < 0 {
		return b.Name + ": window ended " + minute(b.End)
	}
	return b.Name + ": window ends " + minute(b.End) + ", " + b.Movement
}

// About is what the picture says of a column to whoever does not see it.
func (c column) About() string {
	return fmt.Sprintf("%s in %d to %d days", count(c.Count, "window"), c.From, c.From+columnDays)
}

// Middle of a column.
func (c drawnColumn) Middle() float64 { return c.X + c.Width/2 }

// Long reports whether there is a bar to be seen beside the mark at its tip.
func (b drawnBar) Long() bool { return !b.Ended && b.Length > 10 }

// Tip is the end of a bar.
func (b drawnBar) Tip() float64 {
	if b.Ended {
		return b.X
	}
	return b.X + b.Length
}

// cut shortens a name that does not fit and shows that it did.
func cut(text string, letters int) string {
	if len(text) <= letters {
		return text
	}
	return text[:letters-1] + "…"
}

// A legend names what occurs in a drawing.
type legend struct {
	Good, Busy, Bad, Guessed     bool
	Slides, Fixed, Unknown, Gone bool // marks at the tip
}

func (l *legend) add(b drawnBar) {
	l.Gone = l.Gone || b.Ended
	if b.Ended {
		return // a cross alone
	}
	l.Good, l.Busy, l.Bad = l.Good || b.Tone == "good", l.Busy || b.Tone == "busy", l.Bad || b.Tone == "bad"
	l.Guessed = l.Guessed || b.Guessed
	if b.Over {
		return // its tip is beyond
	}
	switch b.Movement {
	case "slides":
		l.Slides = true
	case "fixed":
		l.Fixed = true
	default:
		l.Unknown = true
	}
}
