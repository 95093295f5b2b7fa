package refresh

import (
	"context"
	"errors"
	"fmt"
	"time"

	"webex-tokend/daemon/circuit"
	"webex-tokend/daemon/config"
	"webex-tokend/daemon/event"
	"webex-tokend/daemon/outcome"
	"webex-tokend/daemon/refusal"
	"webex-tokend/daemon/state"
	"webex-tokend/daemon/wire"
	"webex-tokend/store"
)

// errNotDue lets the sweep leave a grant alone for now.
var errNotDue = errors.New("not due")

// plan asks the gates. What passes may be sent as soon as its intent is durable.
func (x *Refresher) plan(ctx context.Context, name string, why cause) (*plan, error) {
	cfg, now := x.cfg.Config(), x.cfg.Now()
	stored, err := x.cfg.States.Read(ctx, cfg, name)
	if err != nil {
		return nil, err
	}
	in, grant, declared := cfg.Rules(name)
	c := x.cfg.States.Condition(stored.Record)
	if !declared || c.State == store.Paused || c.State == store.Unverified {
		return nil, x.cfg.States.Refuse(name, c, "is not refreshed")
	}
	if in.Kind == config.Static {
		return nil, x.expireStatic(stored, now)
	}
	if stored.Refresh.Value.Empty() {
		return nil, x.cfg.States.Refuse(name, c, "has no refresh token")
	}
	p := &plan{stored: stored, in: in, grant: grant, rule: outcome.RuleOf(in, grant), endpoint: x.cfg.Endpoints.Of(in.TokenURL)}
	p.attempt = x.cfg.Flights.Attempts(name) + 1
	if p.endpoint == nil {
		return nil, errNotDue // a reload is just taking the integration away
	}
	if err := x.admit(p, c, why, now); err != nil {
		return nil, err
	}
	return p, nil
}

// admit asks the gates that depend on the cause.
func (x *Refresher) admit(p *plan, c store.Condition, why cause, now time.Time) error {
	if err := p.needStore(x.cfg.Trust, x.cfg.States, c, now); err != nil {
		return err
	}
	if wait := p.endpoint.PausedFor(now); wait > 0 {
		return x.notNow(p, c, why, wait, "the token endpoint asked for patience")
	}
	if why == ordered || why == resumed {
		return nil
	}
	excused := p.excused(now)
	if why == scheduled && now.Before(p.stored.DueAt) && !excused && !p.tries(now) {
		return errNotDue // somebody else was faster than the queue
	}
	if why == demanded {
		switch c.State {
		case store.Misconfigured:
			return x.cfg.States.Later(p.name(), c, circuit.ProbePause, "the client is rejected")
		case store.Reauthorize:
			return x.cfg.States.Refuse(p.name(), c, "needs a human")
		}
	}
	if wait, reason := tooEarly(p.stored.Record, p.rule.MinInterval, now); wait > 0 && !(excused && reason == withinInterval) {
		if why == scheduled && reason == withinADay {
			// Rules or clocks have moved the due time: it goes to where it may.
			_, _ = x.commit(p.stored, keepIntent, func(r *store.Record) { r.DueAt = now.Add(wait) })
		}
		if why == asked {
			return tooMany(p.name(), c, now, wait, reason)
		}
		return x.notNow(p, c, why, wait, reason)
	}
	if wait := p.endpoint.Probe(now); wait > 0 {
		return x.notNow(p, c, why, wait, "the token endpoint fails, and another grant is trying it")
	}
	return nil
}

// needStore refuses what the store could not take.
func (p *plan) needStore(trust *state.Trust, states *state.Book, c store.Condition, now time.Time) error {
	if trust.Writable(now) {
		return nil
	}
	return states.Later(p.name(), c, state.StorePause, "the store does not accept writes, so nothing is sent")
}

// excused reports whether the grant has no live token and waits for the end of a
// pause that began before its endpoint came back.
func (p *plan) excused(now time.Time) bool {
	return outcome.HeldUp(p.stored.Record, now) && p.endpoint.Excuses(p.stored.FailingSince, p.stored.LastAttemptAt)
}

// tries reports whether the grant has no live token and may find out, whatever its
// pause, whether an endpoint that fails is back.
func (p *plan) tries(now time.Time) bool {
	return outcome.HeldUp(p.stored.Record, now) && p.endpoint.MayTry(p.stored.Failures, p.stored.LastAttemptAt, now)
}

const (
	withinInterval = "the last request is not long enough ago"
	withinADay     = "it was refreshed within the last day"
)

// tooEarly is how long interval and budget make a grant wait, and which of them.
func tooEarly(r *store.Record, atLeast time.Duration, now time.Time) (wait time.Duration, reason string) {
	interval, budget := outcome.Remaining(r.LastAttemptAt, atLeast, now), outcome.Budget(r, now)
	if interval > max(budget, 0) {
		return interval, withinInterval
	}
	return max(budget, 0), withinADay
}

// tooMany says to one who asks when the grant may be refreshed again.
func tooMany(name string, c store.Condition, now time.Time, wait time.Duration, reason string) error {
	wait = max(wait.Round(time.Second), time.Second)
	return &refusal.Error{
		Kind: refusal.TooMany, State: c.State, Reason: c.Reason, RetryAfter: wait,
		Detail: fmt.Sprintf("grant %s: %s; it may be refreshed again at %s", name, reason, wire.Stamp(now.Add(wait))),
	}
}

func (x *Refresher) notNow(p *plan, c store.Condition, why cause, wait time.Duration, reason string) error {
	if why == scheduled {
		return errNotDue
	}
	return x.cfg.States.Later(p.name(), c, wait, reason)
}

// expireStatic notes that a token which nobody can refresh has ended.
func (x *Refresher) expireStatic(s store.Stored, now time.Time) error {
	if end := s.Token.ExpiresAt; end.IsZero() || now.Before(end) || !s.ReauthorizeSince.IsZero() {
		return x.cfg.States.Refuse(s.Name, x.cfg.States.Condition(s.Record), "is static and never refreshed")
	}
	before := s.Condition()
	after, err := x.commit(s, keepIntent, func(r *store.Record) {
		r.ReauthorizeSince, r.Reason, r.DueAt = now, outcome.TokenExpired, time.Time{}
	})
	if err != nil {
		return err
	}
	x.cfg.Log.Warn("static token has expired", "grant", s.Name, "expired_at", wire.Stamp(s.Token.ExpiresAt))
	x.cfg.States.Announce(event.Failed, s.Record, before, after)
	return errNotDue
}
