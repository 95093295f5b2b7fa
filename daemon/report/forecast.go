package report

import (
	"cmp"
	"context"
	"slices"
	"time"

	"webex-tokend/daemon/config"
	"webex-tokend/daemon/wire"
	"webex-tokend/store"
)

// An Outage is a span in which nothing is refreshed.
type Outage struct {
	From time.Time
	For  time.Duration
	// EndpointDown: the daemon runs and its requests fail; else it is away.
	EndpointDown bool
	// Until is how far to look.
	Until time.Time
}

func (o Outage) end() time.Time { return o.From.Add(o.For) }

func (o Outage) covers(t time.Time) bool { return !t.Before(o.From) && t.Before(o.end()) }

// foreseen is how many grants a forecast looks at, the most urgent first: a
// token of two hours takes two thousand steps in 120 days.
const foreseen = 5000

// Forecast runs the grants that the view shows ahead through an outage, each by
// the very functions that bring answers and failures into its record. Answers
// are taken to say what the last one said. A window of which it is not known
// whether it slides is taken for fixed. Nothing is stored.
func (r *Report) Forecast(ctx context.Context, view View, o Outage) (wire.Forecast, error) {
	f := wire.Forecast{From: o.From, To: o.end(), Until: o.Until, OutageSeconds: o.For.Seconds(), EndpointDown: o.EndpointDown,
		Counts: make(map[string]int), Complete: true, Grants: []wire.Prospect{}}
	cfg := r.cfg.Config()
	err := r.byUrgency(ctx, Query{View: view, Limit: page}, noCursor(), func(_ cursor, e entry) (more bool) {
		if len(f.Grants) == foreseen {
			f.Complete = false
			return false
		}
		p := r.prospect(cfg, e, o, &f)
		f.Counts[p.Outcome]++
		f.Grants = append(f.Grants, p)
		return ctx.Err() == nil
	})
	if err == nil {
		err = ctx.Err()
	}
	sortProspects(f.Grants)
	return f, err
}

func sortProspects(list []wire.Prospect) {
	order := []string{wire.Lost, wire.Waits, wire.Ends, wire.Undecided, wire.Endures}
	slices.SortStableFunc(list, func(a, b wire.Prospect) int {
		c := cmp.Compare(slices.Index(order, a.Outcome), slices.Index(order, b.Outcome))
		if c == 0 && a.At != nil && b.At != nil {
			c = a.At.Compare(*b.At)
		}
		return cmp.Or(c, cmp.Compare(a.Grant, b.Grant))
	})
}

// prospect runs one record ahead: up to the outage, and from there on once with
// it and once without.
func (r *Report) prospect(cfg *config.Config, e entry, o Outage, f *wire.Forecast) wire.Prospect {
	p := wire.Prospect{Grant: e.grant.Name, Kind: e.grant.Kind, Level: e.grant.Level, Outcome: wire.Undecided, Window: e.grant.Window}
	is := e.verdict.State
	switch is {
	case store.Pending, store.Damaged:
		return p
	case store.Reauthorize:
		p.Outcome, p.At = wire.Waits, instant(e.verdict.Since)
		return p
	}
	course := r.courseOf(cfg, e.record, is)
	course.run(slices.MinFunc([]time.Time{o.From, o.Until}, time.Time.Compare), Outage{})
	course.begins = o.From
	// What nobody refreshes ends when it does, outage or not.
	if end := course.record.EndsAt(); is != store.Paused && p.Kind != string(config.Static) && course.endedAt.IsZero() {
		earliest(&f.Longest, p.Grant, end)
	}
	calm := course.clone()
	calm.run(o.Until, Outage{})
	course.run(o.Until, o)
	p.WithoutToken = course.gap.Seconds()
	switch {
	case course.endedAt.IsZero():
		p.Outcome = wire.Endures
		return p
	case calm.endedAt.IsZero() || calm.endedAt.After(course.endedAt):
		p.Outcome = wire.Lost
	default:
		p.Outcome = wire.Ends
	}
	p.At = instant(course.endedAt)
	return p
}
