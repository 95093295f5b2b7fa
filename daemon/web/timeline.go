package web

import (
	"context"
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

// A column counts the windows that end within some days. It has no colour of
// urgency: which of them a refresh moves stands in records that nobody read.
type column struct{ From, Count int }

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
