package web

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"webex-tokend/store"
)

// A detail is the page of one grant.
type detail struct {
	row
	Labels  []string
	Scopes  []string
	History []observed
	Path    *path
}

// An observed is a row of the table of answers about the window.
type observed struct {
	store.Observation
	Moved string // how far the end went since the answer before
}

// detail serves the page of one grant.
func (s *Server) detail(c *call) error {
	g, err := s.cfg.Report.Grant(c.r.Context(), c.grant)
	if err != nil {
		return err
	}
	history, err := s.cfg.Report.History(c.r.Context(), c.grant)
	if err != nil {
		return err
	}
	now := s.cfg.Now()
	d := detail{row: s.row(c, g, now), Scopes: strings.Fields(g.Scope), Path: newPath(history)}
	for _, key := range slices.Sorted(maps.Keys(g.Labels)) {
		d.Labels = append(d.Labels, key+"="+g.Labels[key])
	}
	for i, o := range history {
		seen := observed{Observation: o}
		if i > 0 && !o.EndsAt.IsZero() && !history[i-1].EndsAt.IsZero() {
			seen.Moved = moved(o.EndsAt.Sub(history[i-1].EndsAt))
		}
		d.History = append(d.History, seen)
	}
	slices.Reverse(d.History)
	return s.show(c, http.StatusOK, "grant.html", d)
}

func moved(by time.Duration) string {
	switch {
	case by.Abs() <= time.Minute:
		return "did not move"
	case by < 0:
		return length(by) + " earlier"
	}
	return length(by) + " later"
}

// A path draws the end of the window against the time at which an answer told
// it: a line that rises with time slides, a level one is fixed.
type path struct {
	Points      []point
	Line        string // of an SVG polyline
	First, Last string // dates of the answers
	Low, High   string // dates of the ends; Low is empty when they are one
	LowY, HighY float64
}

type point struct {
	X, Y  float64
	About string
}

// The picture's box, inside its axes.
const (
	pathLeft, pathRight = 88.0, 346.0
	pathTop, pathBottom = 14.0, 126.0
)

// newPath returns nil where there is nothing to compare.
func newPath(history []store.Observation) *path {
	known := slices.DeleteFunc(slices.Clone(history), func(o store.Observation) bool { return o.EndsAt.IsZero() })
	if len(known) < 2 {
		return nil
	}
	low, high := known[0].EndsAt, known[0].EndsAt
	for _, o := range known {
		if o.EndsAt.Before(low) {
			low = o.EndsAt
		}
		if o.EndsAt.After(high) {
			high = o.EndsAt
		}
	}
	first, last := known[0].At, known[len(known)-1].At
	share := func(t, from, to time.Time) float64 {
		if !to.After(from) {
			return 0.5
		}
		return float64(t.Sub(from)) / float64(to.Sub(from))
	}
	height := func(end time.Time) float64 { return pathBottom - share(end, low, high)*(pathBottom-pathTop) }
	p := &path{First: date(first), Last: date(last), High: date(high), LowY: height(low), HighY: height(high)}
	if high.After(low) {
		p.Low = date(low)
	}
	var line strings.Builder
	for _, o := range known {
		at := point{
			X:     pathLeft + share(o.At, first, last)*(pathRight-pathLeft),
			Y:     height(o.EndsAt),
			About: fmt.Sprintf("told on %s: ends %s", minute(o.At), minute(o.EndsAt)),
		}
		fmt.Fprintf(&line, "%.1f,%.1f ", at.X, at.Y)
		p.Points = append(p.Points, at)
	}
	p.Line = line.String()
	return p
}
