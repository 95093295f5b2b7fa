package report

import (
	"slices"
	"time"

	"webex-tokend/daemon/config"
	"webex-tokend/daemon/outcome"
	"webex-tokend/daemon/provider"
	"webex-tokend/store"
)

// A course is a record on its way through time that has not come yet.
type course struct {
	record   *store.Record
	exchange *outcome.Exchange // nil: nothing refreshes this grant
	slides   time.Duration
	life     time.Duration
	now      time.Time

	begins  time.Time     // from when gaps count
	gap     time.Duration // without a live token
	endedAt time.Time     // zero: not yet
}

// courseOf reads from a record how its answers go on.
func (r *Report) courseOf(cfg *config.Config, was *store.Record, state store.State) *course {
	rec, now := *was, r.now()
	run := &course{record: &rec, life: rec.Token.ExpiresAt.Sub(rec.Token.IssuedAt), now: now, begins: now}
	if n := len(rec.Observations); n > 0 {
		last := rec.Observations[n-1]
		if last.AccessLife > 0 {
			run.life = last.AccessLife
		}
		if rec.Movement() == store.Sliding {
			run.slides = last.EndsAt.Sub(last.At)
		}
	}
	rec.Observations = nil // what they tell has been read; a step adds one
	in, grant, declared := cfg.Rules(rec.Name)
	switch state {
	case store.OK, store.Retrying, store.Unknown:
		if declared && in.Kind != config.Static && !rec.Refresh.Value.Empty() && !rec.DueAt.IsZero() {
			run.exchange = &outcome.Exchange{In: in, Rule: outcome.RuleOf(in, grant), Attempt: 1, Fingerprint: r.cfg.Store.Fingerprint,
				// The endpoint must not learn from what has not happened.
				LongestPause: func(time.Time) (time.Duration, bool) { return 0, false }}
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
	if c.exchange == nil {
		return time.Time{}
	}
	at := latest(c.now, c.record.DueAt, c.record.LastAttemptAt.Add(c.exchange.Rule.MinInterval))
	at = at.Add(max(0, outcome.Budget(c.record, at)))
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
	x := *c.exchange
	x.Sent = c.record.Refresh
	if o.covers(c.now) {
		x.SetBack(c.record, c.now, &provider.Failure{Kind: provider.Transient, Code: "unreachable"})
		return
	}
	answer := provider.Answer{
		Access:     store.NewSecret("foreseen at " + c.now.String()),
		AccessLife: c.life,
		RefreshEnd: x.Sent.EndsAt,
	}
	if c.slides > 0 {
		answer.RefreshEnd = c.now.Add(c.slides)
	}
	x.Absorb(c.record, c.now, answer)
	c.record.Observations = nil
	if !c.record.DueAt.After(c.now) { // an end that no life reaches any more
		c.record.DueAt = c.now.Add(max(c.exchange.Rule.MinInterval, time.Second))
	}
}

func latest(times ...time.Time) time.Time { return slices.MaxFunc(times, time.Time.Compare) }
