package web

import (
	"context"
	"fmt"
	"time"

	"webex-tokend/daemon/refusal"
	"webex-tokend/daemon/report"
	"webex-tokend/daemon/verdict"
	"webex-tokend/daemon/wire"
)

const (
	axis = 120 // days that the timeline covers
	past = 5   // days before today, for windows that have ended
	// barsDrawn is how many grants have a line of their own; all of them are
	// in the columns below.
	barsDrawn = 12
	// barsInHand is how many of them fit a hand's screen, so that the list
	// below is not far.
	barsInHand = 6
	// columnDays is the width of a column.
	columnDays = 5
)

// urgency of the end of a window, as the monitoring check has it.
func urgency(end, now time.Time) string {
	switch left, limits := end.Sub(now), verdict.Usual(); {
	case left < limits.Critical:
		return "bad"
	case left < limits.Warning:
		return "busy"
	}
	return "good"
}

// endTone is the colour of a grant's end, which asks for nobody where the next
// refresh moves it.
func endTone(g wire.Grant, now time.Time) string {
	if end := g.End(); end.After(now) && verdict.Shown(g).Moves {
		return "good"
	}
	return urgency(*g.End(), now)
}

// A timeline draws when refresh windows end over the coming 120 days.
type timeline struct {
	Bars    []bar
	Columns []column // empty: every grant has a bar
	Most    int      // grants in the fullest column
	Later   int      // with an end behind it
	Ended   int      // before today; they have no bar where others need it
	Endless int      // with no known end
	Horizon int      // days behind which a fleet was too large to count; 0: none

	now time.Time
}

// A bar is the window of one grant.
type bar struct {
	Name     string
	Tone     string
	Movement string
	Guessed  bool
	Days     float64 // from now to the end, negative: ended
	End      time.Time
}

// A column counts the windows that end within some days.
type column struct {
	From, Count int
	Tone        string
}

// timeline draws the ends of a query. Of the grants it reads those that have a line
// of their own.
func (s *Server) timeline(ctx context.Context, q report.Query, now time.Time) (*timeline, error) {
	ends, err := s.cfg.Report.Ends(ctx, q)
	if err != nil || len(ends.List) == 0 {
		return nil, err
	}
	t := newTimeline(ends, now)
	for _, end := range drawnOf(ends.List, t.Ended) {
		g, err := s.cfg.Report.Grant(ctx, end.Grant)
		if _, gone := refusal.As(err); gone || err == nil && g.End() == nil {
			continue // just now
		}
		if err != nil {
			return nil, err
		}
		t.Bars = append(t.Bars, bar{
			Name:     g.Name,
			Tone:     endTone(g, now),
			Movement: movement(g),
			Guessed:  guessed(g),
			Days:     float64(g.End().Sub(now)) / float64(day),
			End:      *g.End(),
		})
	}
	return t, nil
}

// drawnOf are the ends that have a line of their own: all of them, or those that
// come next.
func drawnOf(list []report.End, ended int) []report.End {
	if len(list) <= barsDrawn {
		return list
	}
	running := list[min(ended, len(list)-1):]
	return running[:min(barsDrawn, len(running))]
}

// newTimeline counts ends, at least one, and has no bars yet.
func newTimeline(ends report.Ends, now time.Time) *timeline {
	t := &timeline{now: now, Endless: ends.Endless}
	counts := make([]column, axis/columnDays)
	for i := range counts {
		counts[i].From = i * columnDays
		counts[i].Tone = urgency(now.Add(time.Duration(i*columnDays)*day), now)
	}
	for _, end := range ends.List {
		switch days := float64(end.At.Sub(now)) / float64(day); {
		case days < 0:
			t.Ended++
		case days >= axis:
			t.Later++
		default:
			counts[int(days)/columnDays].Count++
		}
	}
	if last := ends.List[len(ends.List)-1].At; ends.More {
		t.Horizon = max(int(last.Sub(now)/day), 1)
		counts = counts[:min(t.Horizon/columnDays, len(counts))]
	}
	for _, c := range counts {
		t.Most = max(t.Most, c.Count)
	}
	if len(ends.List) > barsDrawn && t.Most > 0 {
		t.Columns = counts
	}
	return t
}

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

// Middle of a column.
func (c drawnColumn) Middle() float64 { return c.X + c.Width/2 }

// To is the day at which a column ends.
func (c column) To() int { return c.From + columnDays }

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
