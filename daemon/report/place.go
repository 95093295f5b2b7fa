package report

import (
	"context"
	"time"

	"webex-tokend/daemon/config"
	"webex-tokend/daemon/verdict"
	"webex-tokend/store"
)

// A glance holds the inputs that all parts of one answer share.
type glance struct {
	cfg     *config.Config
	now     time.Time
	refused map[string]store.Condition // clients, by integration
	apart   map[string]apart
	failing map[string]bool // outputs, by grant
	aligned bool            // the indexes are those of this build
	undue   bool            // the schedule is left out
}

func (r *Report) glance(ctx context.Context) (*glance, error) {
	g := &glance{cfg: r.cfg.Config(), now: r.now(), refused: r.cfg.Clients.Refusals(), failing: make(map[string]bool)}
	for _, name := range r.cfg.Failing() {
		g.failing[name] = true
	}
	var err error
	if g.aligned, err = r.indexesAligned(ctx); err != nil {
		return nil, err
	}
	g.apart, err = r.standApart(ctx, g)
	return g, err
}

func (r *Report) indexesAligned(ctx context.Context) (bool, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.aligned {
		return true, nil
	}
	var err error
	r.aligned, err = r.cfg.Store.Aligned(ctx)
	return r.aligned, err
}

// shownAs is the state under which the grants of a place appear: a refused client
// hides milder states, an integration that left the configuration pauses all of
// its grants.
func (g *glance) shownAs(p store.Place) store.State {
	switch p.State {
	case store.Damaged, store.Unverified, store.Paused:
		return p.State
	}
	if _, declared := g.cfg.Integrations[p.Integration]; !declared {
		return store.Paused
	}
	if _, refused := g.refused[p.Integration]; refused && p.State != store.Reauthorize {
		return store.Misconfigured
	}
	return p.State
}

// counts reports whether the ends of a place count, because no refresh moves
// them.
func (g *glance) counts(p store.Place) bool {
	shown := g.shownAs(p)
	if shown == store.Paused || shown == store.Unverified {
		return true
	}
	if in := g.cfg.Integrations[p.Integration]; in != nil && in.Kind == config.ServiceApp {
		return false
	}
	return shown != store.OK || p.Part != store.Slides
}

// base is the cause of a grant in this place that neither ends soon nor is late.
func (g *glance) base(p store.Place) verdict.Cause {
	s := verdict.Standing{State: g.shownAs(p)}
	s.Refused = p.Part == store.Refused && (s.State == store.Retrying || s.State == store.Unknown)
	if p.Part == store.Often {
		s.Failures = store.Tries
	}
	return s.Cause(verdict.Usual(), g.now)
}

// ends reports whether grants in this place are more urgent the nearer their ends
// are.
func (g *glance) ends(p store.Place) bool {
	return g.base(p) > verdict.Ending && g.counts(p)
}

// home is the cause that the place of a grant gives it, by its end alone.
func (g *glance) home(p store.Place, end time.Time) verdict.Cause {
	if end.IsZero() || !g.ends(p) {
		return g.base(p)
	}
	switch left, limits := end.Sub(g.now), verdict.Usual(); {
	case left < limits.Critical:
		return verdict.Ending
	case left < limits.Warning:
		return verdict.EndingSoon
	}
	return g.base(p)
}

// slotOf is where a list by urgency has a grant: its cause, but that a token which
// expired while its grant is well comes with what is overdue. Both are read
// from the schedule.
func slotOf(rec *store.Record, v verdict.Verdict) verdict.Cause {
	if v.Cause == verdict.Expired && v.State == store.OK && rec.DueInTime() {
		return verdict.Overdue
	}
	return v.Cause
}
