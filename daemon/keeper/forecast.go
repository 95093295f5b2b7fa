package keeper

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"webex-tokend/daemon/config"
	"webex-tokend/daemon/endpoint"
	"webex-tokend/daemon/outcome"
	"webex-tokend/daemon/provider"
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
func (k *Keeper) Forecast(ctx context.Context, view View, o Outage) (wire.Forecast, error) {
	cfg := k.config.Load()
	f := wire.Forecast{From: o.From, To: o.end(), Until: o.Until, OutageSeconds: o.For.Seconds(), EndpointDown: o.EndpointDown,
		Counts: make(map[string]int), Complete: true, Grants: []wire.Prospect{}}
	after := noCursor
	for len(f.Grants) < foreseen {
		list, err := k.byUrgency(ctx, cfg, after, page, time.Time{})
		if err != nil {
			return f, err
		}
		for _, c := range list {
			if after = c; view != nil && !view(c.name) {
				continue
			}
			if err := k.foresee(ctx, cfg, c.name, o, &f); err != nil {
				return f, err
			}
		}
		if len(list) < page {
			sortProspects(f.Grants)
			return f, nil
		}
	}
	f.Complete = false
	sortProspects(f.Grants)
	return f, nil
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

// foresee adds the prospect of one grant.
func (k *Keeper) foresee(ctx context.Context, cfg *config.Config, name string, o Outage, f *wire.Forecast) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	p := wire.Prospect{Grant: name, Outcome: wire.Undecided, Window: string(store.Undetermined)}
	if in, _, declared := cfg.Rules(name); declared {
		p.Kind = string(in.Kind)
	}
	stored, err := k.store.Get(ctx, name)
	_, damaged := errors.AsType[*store.DamagedError](err)
	switch {
	case err == nil && !stored.Removed:
		k.prospect(cfg, stored, o, &p, f)
	case err != nil && !damaged && !errors.Is(err, store.ErrNotFound):
		return err
	}
	f.Counts[p.Outcome]++
	f.Grants = append(f.Grants, p)
	return nil
}

// prospect runs one record ahead: up to the outage, and from there on once with
// it and once without.
func (k *Keeper) prospect(cfg *config.Config, s store.Stored, o Outage, p *wire.Prospect, f *wire.Forecast) {
	p.Kind, p.Window = s.Kind, string(s.Movement())
	c := k.States.Condition(s.Record)
	if c.State == store.Reauthorize {
		p.Outcome, p.At = wire.Waits, instant(c.Since)
		return
	}
	course := k.courseOf(cfg, s, c)
	course.run(slices.MinFunc([]time.Time{o.From, o.Until}, time.Time.Compare), Outage{})
	course.begins = o.From
	// What nobody refreshes ends when it does, outage or not.
	if end := course.record.EndsAt(); c.State != store.Paused && s.Kind != string(config.Static) && course.endedAt.IsZero() && !end.IsZero() && (f.Longest == nil || end.Before(f.Longest.At)) {
		f.Longest = &wire.WindowEnd{Grant: s.Name, At: end}
	}
	calm := course.clone()
	calm.run(o.Until, Outage{})
	course.run(o.Until, o)
	p.WithoutToken = course.gap.Seconds()
	switch {
	case course.endedAt.IsZero():
		p.Outcome = wire.Endures
		return
	case calm.endedAt.IsZero() || calm.endedAt.After(course.endedAt):
		p.Outcome = wire.Lost
	default:
		p.Outcome = wire.Ends
	}
	p.At = instant(course.endedAt)
}

// A course is a record on its way through time that has not come yet.
type course struct {
	keeper *Keeper
	record *store.Record
	plan   *plan // nil: nothing refreshes this grant
	slides time.Duration
	life   time.Duration
	now    time.Time

	begins  time.Time     // from when gaps count
	gap     time.Duration // without a live token
	endedAt time.Time     // zero: not yet
}

// courseOf reads from a record how its answers go on.
func (k *Keeper) courseOf(cfg *config.Config, s store.Stored, c store.Condition) *course {
	r := *s.Record
	run := &course{keeper: k, record: &r, life: r.Token.ExpiresAt.Sub(r.Token.IssuedAt), now: k.now(), begins: k.now()}
	if n := len(r.Observations); n > 0 {
		last := r.Observations[n-1]
		if last.AccessLife > 0 {
			run.life = last.AccessLife
		}
		if r.Movement() == store.Sliding {
			run.slides = last.EndsAt.Sub(last.At)
		}
	}
	r.Observations = nil // what they tell has been read; a step adds one
	in, grant, declared := cfg.Rules(r.Name)
	aside := endpoint.New(endpoint.Limits{}) // the real one must not learn from this
	switch c.State {
	case store.OK, store.Retrying, store.Unknown:
		if declared && in.Kind != config.Static && !r.Refresh.Value.Empty() && !r.DueAt.IsZero() {
			run.plan = &plan{in: in, grant: grant, rule: outcome.RuleOf(in, grant), endpoint: aside, attempt: 1}
		}
	}
	return run
}

func (c *course) clone() *course {
	other, r := *c, *c.record
	other.record = &r
	return &other
}

// run goes on until an instant, or until only a human can help.
func (c *course) run(until time.Time, o Outage) {
	for c.endedAt.IsZero() && c.now.Before(until) {
		next := c.next(o)
		end := c.record.EndsAt()
		if !end.IsZero() && !end.After(until) && (next.IsZero() || !next.Before(end)) {
			c.pass(end)
			c.endedAt = end
			return
		}
		if next.IsZero() || !next.Before(until) {
			c.pass(until)
			return
		}
		c.pass(next)
		c.step(o)
	}
}

// next is when the sweep sends the next refresh; zero: never.
func (c *course) next(o Outage) time.Time {
	if c.plan == nil {
		return time.Time{}
	}
	at := latest(c.now, c.record.DueAt, c.record.LastAttemptAt.Add(c.plan.rule.MinInterval))
	c.plan.stored = store.Stored{Record: c.record}
	at = at.Add(max(0, c.plan.budget(at)))
	if o.covers(at) && !o.EndpointDown {
		return o.end()
	}
	return at
}

// pass lets time go by and counts how much of it had no live token.
func (c *course) pass(to time.Time) {
	dead := latest(c.now, c.record.Token.ExpiresAt, c.begins)
	if !c.record.Token.ExpiresAt.IsZero() && to.After(dead) {
		c.gap += to.Sub(dead)
	}
	c.now = latest(c.now, to)
}

// step is one refresh.
func (c *course) step(o Outage) {
	before := *c.record
	c.plan.stored = store.Stored{Record: &before}
	if o.covers(c.now) {
		c.plan.exchange(c.keeper.store).SetBack(c.record, c.now, &provider.Failure{Kind: provider.Transient, Code: "unreachable"})
		return
	}
	answer := provider.Answer{
		Access:     store.NewSecret("foreseen at " + c.now.String()),
		AccessLife: c.life,
		RefreshEnd: before.Refresh.EndsAt,
	}
	if c.slides > 0 {
		answer.RefreshEnd = c.now.Add(c.slides)
	}
	c.plan.exchange(c.keeper.store).Absorb(c.record, c.now, answer)
	c.record.Observations = nil
	if !c.record.DueAt.After(c.now) { // an end that no life reaches any more
		c.record.DueAt = c.now.Add(max(c.plan.rule.MinInterval, time.Second))
	}
}

func latest(times ...time.Time) time.Time { return slices.MaxFunc(times, time.Time.Compare) }
