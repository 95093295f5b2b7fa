package web

import (
	"time"

	"webex-tokend/daemon/verdict"
	"webex-tokend/daemon/wire"
	"webex-tokend/store"
)

// urgentShown bounds what stands before the timeline, so that the first of them is
// on a hand's screen at once and the timeline is not far.
const urgentShown = 5

// urgent are the grants that need attention, before anything else of the page.
type urgent struct {
	Rows       []row
	More, Soon int // critical ones and warnings that are further down only
}

// urgentOf takes them from the first page of the list, the most urgent first.
func urgentOf(rows []row, sum wire.Status) urgent {
	u := urgent{More: sum.Levels[string(verdict.Critical)], Soon: sum.Levels[string(verdict.Warning)]}
	for _, r := range rows {
		rest := map[string]*int{string(verdict.Critical): &u.More, string(verdict.Warning): &u.Soon}[r.Level]
		if rest != nil && len(u.Rows) < urgentShown {
			u.Rows, *rest = append(u.Rows, r), max(*rest-1, 0)
		}
	}
	return u
}

// Trouble is what is wrong, in a few words.
func (r row) Trouble() string {
	switch {
	case r.State != string(store.OK) && r.Why != "":
		return r.State + ": " + r.Why
	case r.State == string(store.OK) && r.Why != "":
		return r.Why
	}
	return r.State
}

// When is the instant that goes with Trouble: of the end that nears, or since when
// it is so; nil: not known.
func (r row) When() *time.Time {
	if end := r.End(); end != nil && r.State == string(store.OK) && (r.Reason == verdict.WindowEnds || r.Reason == verdict.TokenEnds) {
		return end
	}
	return r.Since
}
