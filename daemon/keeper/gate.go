package keeper

import (
	"context"
	"errors"
	"time"

	"webex-tokend/daemon/circuit"
	"webex-tokend/daemon/config"
	"webex-tokend/daemon/event"
	"webex-tokend/daemon/outcome"
	"webex-tokend/daemon/state"
	"webex-tokend/daemon/wire"
	"webex-tokend/store"
)

// errNotDue lets the sweep leave a grant alone for now.
var errNotDue = errors.New("not due")

// plan asks the gates. What passes may be sent as soon as its intent is durable.
func (k *Keeper) plan(ctx context.Context, name string, why cause) (*plan, error) {
	cfg, now := k.config.Load(), k.now()
	stored, err := k.States.Read(ctx, cfg, name)
	if err != nil {
		return nil, err
	}
	in, grant, declared := cfg.Rules(name)
	c := k.States.Condition(stored.Record)
	if !declared || c.State == store.Paused || c.State == store.Unverified {
		return nil, k.States.Refuse(name, c, "is not refreshed")
	}
	if in.Kind == config.Static {
		return nil, k.expireStatic(stored, now)
	}
	if stored.Refresh.Value.Empty() {
		return nil, k.States.Refuse(name, c, "has no refresh token")
	}
	p := &plan{stored: stored, in: in, grant: grant, rule: outcome.RuleOf(in, grant), endpoint: k.endpoints.Of(in.TokenURL)}
	p.attempt = k.flights.Attempts(name) + 1
	if p.endpoint == nil {
		return nil, errNotDue // a reload is just taking the integration away
	}
	if err := k.admit(p, c, why, now); err != nil {
		return nil, err
	}
	return p, nil
}

// admit asks the gates that depend on the cause.
func (k *Keeper) admit(p *plan, c store.Condition, why cause, now time.Time) error {
	if err := k.needStore(p, c, now); err != nil {
		return err
	}
	if wait := p.endpoint.PausedFor(now); wait > 0 {
		return k.notNow(p, c, why, wait, "the token endpoint asked for patience")
	}
	if why == ordered || why == resumed {
		return nil
	}
	if why == scheduled && now.Before(p.stored.DueAt) {
		return errNotDue // somebody else was faster than the queue
	}
	if why == demanded {
		switch c.State {
		case store.Misconfigured:
			return k.States.Later(p.name(), c, circuit.ProbePause, "the client is rejected")
		case store.Reauthorize:
			return k.States.Refuse(p.name(), c, "needs a human")
		}
	}
	interval, budget := outcome.Remaining(p.stored.LastAttemptAt, p.rule.MinInterval, now), p.budget(now)
	if interval > max(budget, 0) {
		return k.notNow(p, c, why, interval, "the last request is not long enough ago")
	}
	if budget > 0 {
		if why == scheduled {
			// Rules or clocks have moved the due time: it goes to where it may.
			_, _ = k.commit(p.stored, keepIntent, func(r *store.Record) { r.DueAt = now.Add(budget) })
		}
		return k.notNow(p, c, why, budget, "it was refreshed within the last day")
	}
	if wait := p.endpoint.Probe(now); wait > 0 {
		return k.notNow(p, c, why, wait, "the token endpoint fails, and another grant is trying it")
	}
	return nil
}

// needStore refuses what the store could not take.
func (k *Keeper) needStore(p *plan, c store.Condition, now time.Time) error {
	if k.trust.Writable(now) {
		return nil
	}
	return k.States.Later(p.name(), c, state.StorePause, "the store does not accept writes, so nothing is sent")
}

// budget is how long the grant has to wait for its next refresh of the day.
func (p *plan) budget(now time.Time) time.Duration { return outcome.Budget(p.stored.Record, now) }

func (k *Keeper) notNow(p *plan, c store.Condition, why cause, wait time.Duration, reason string) error {
	if why == scheduled {
		return errNotDue
	}
	return k.States.Later(p.name(), c, wait, reason)
}

// expireStatic notes that a token which nobody can refresh has ended.
func (k *Keeper) expireStatic(s store.Stored, now time.Time) error {
	if end := s.Token.ExpiresAt; end.IsZero() || now.Before(end) || !s.ReauthorizeSince.IsZero() {
		return k.States.Refuse(s.Name, k.States.Condition(s.Record), "is static and never refreshed")
	}
	before := s.Condition()
	after, err := k.commit(s, keepIntent, func(r *store.Record) {
		r.ReauthorizeSince, r.Reason, r.DueAt = now, outcome.TokenExpired, time.Time{}
	})
	if err != nil {
		return err
	}
	k.log.Warn("static token has expired", "grant", s.Name, "expired_at", wire.Stamp(s.Token.ExpiresAt))
	k.States.Announce(event.Failed, s.Record, before, after)
	return errNotDue
}
