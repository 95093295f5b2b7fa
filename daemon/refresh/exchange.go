package refresh

import (
	"context"
	"errors"
	"fmt"
	"time"

	"webex-tokend/daemon/boottime"
	"webex-tokend/daemon/circuit"
	"webex-tokend/daemon/config"
	"webex-tokend/daemon/endpoint"
	"webex-tokend/daemon/event"
	"webex-tokend/daemon/flight"
	"webex-tokend/daemon/outcome"
	"webex-tokend/daemon/provider"
	"webex-tokend/daemon/refusal"
	"webex-tokend/daemon/schedule"
	"webex-tokend/daemon/wire"
	"webex-tokend/store"
)

// A plan is one refresh that has passed every gate.
type plan struct {
	stored   store.Stored
	in       *config.Integration
	grant    *config.Grant
	rule     schedule.Rule
	endpoint *endpoint.Endpoint
	attempt  uint64        // 1, or more while the outcome of an earlier one is open
	claimed  boottime.Mark // from before the intent was made, which ages
}

func (p *plan) name() string { return p.stored.Name }

// exchange is what the outcome of the plan depends on.
func (p *plan) exchange(s *store.Store) outcome.Exchange {
	return outcome.Exchange{In: p.in, Rule: p.rule, Sent: p.stored.Refresh, Attempt: p.attempt,
		Fingerprint: s.Fingerprint, LongestPause: p.endpoint.LongestPause}
}

// exchange does one refresh from intent to commit:
//
//  1. The record is read and the gates are asked; nothing has happened yet.
//  2. The intent is made durable. It proves that the store accepts writes
//     before the request can use up the refresh token, and it tells a later
//     start that an outcome may be missing.
//  3. The request is sent, once, and not on an old intent: after a pause of
//     this machine another one may have sent the same. From its first byte on
//     nothing cancels it: the server may already have replaced the refresh token.
//  4. The answer is made durable together with the end of the intent. Only
//     then does anybody hear of it.
//
// Turning any two of these round can lose a grant. atGate reports that it ended
// before the third step.
func (x *Refresher) exchange(ctx context.Context, name string, why cause) (atGate bool, err error) {
	var p *plan
	for {
		x.cfg.Flights.CatchUp(name)
		if p, err = x.plan(ctx, name, why); err != nil {
			return true, err
		}
		if err = x.intend(ctx, p); err == nil {
			if err = x.permit(ctx, p); err == nil {
				break
			}
			x.withdraw(p)
		}
		if !errors.Is(err, store.ErrConflict) {
			return true, err
		}
		// Somebody changed the record: the gates are asked again.
	}

	sentAt := x.cfg.Now()
	x.cfg.Meter.Requested()
	answer, err := x.cfg.Provider.Refresh(ctx, p.in, provider.Request{
		Token:        p.stored.Refresh.Value,
		RedirectURI:  p.stored.RedirectURI,
		CodeVerifier: p.stored.CodeVerifier,
		MayDepart:    func() error { return p.mayDepart(x.cfg.Hosts) },
	})
	x.cfg.Meter.Answered(x.cfg.Now().Sub(sentAt))
	p.endpoint.Release()

	failure, failed := errors.AsType[*provider.Failure](err)
	if failed && failure.Withheld != nil {
		x.withdraw(p)
		x.cfg.Log.Warn("refresh not sent", "grant", p.name(), "reason", failure.Withheld)
		return true, x.cfg.States.Later(p.name(), p.stored.Condition(), time.Second, failure.Withheld.Error())
	}
	x.reportEndpoint(p, failure)
	if failed && failure.Kind == provider.Rejected && p.in.Kind == config.ServiceApp {
		var healed bool
		if healed, failure = x.heal(ctx, p, failure); healed {
			return false, nil
		}
	}
	if failed {
		return false, x.failed(p, sentAt, failure)
	}
	return false, x.succeeded(p, sentAt, answer)
}

// reportEndpoint reports to the endpoint how it did. What never left and what the
// client is to blame for says nothing about the endpoint.
func (x *Refresher) reportEndpoint(p *plan, f *provider.Failure) {
	if f != nil && !f.Answered && f.Kind != provider.Transient || x.cfg.Flights.Stopping() {
		return
	}
	well := f == nil || f.Answered && (f.Status < 500 || f.Kind != provider.Transient)
	switch turned := p.endpoint.Report(well, x.cfg.Now()); {
	case turned && well:
		x.cfg.Log.Info("token endpoint answers again", "url", p.in.TokenURL)
	case turned:
		x.cfg.Log.Error("token endpoint fails again and again; trying it by one request at a time", "url", p.in.TokenURL, "error", f)
	}
	if f == nil {
		p.endpoint.Served(x.cfg.Now())
	}
}

// permit waits for the endpoint, which may take as long as the requests of many
// other grants. One that was closed meanwhile gives none, nor does a store that
// has refused an answer since. store.ErrConflict: the grant is another one now.
func (x *Refresher) permit(ctx context.Context, p *plan) error {
	if p.endpoint.Acquire(ctx) != nil {
		return flight.ErrStopping
	}
	now, c := x.cfg.Now(), p.stored.Condition()
	err := p.needStore(x.cfg.Trust, x.cfg.States, c, now)
	if wait := p.endpoint.PausedFor(now); wait > 0 {
		err = x.cfg.States.Later(p.name(), c, wait, "the token endpoint asked for patience")
	}
	if err == nil && x.cfg.Flights.Overtaken(p.name()) {
		err = store.ErrConflict
	}
	if err == nil && p.claimed.Passed() > departsWithin/2 {
		err = x.intend(ctx, p) // the same one anew: it has grown old in the queue
	}
	if err != nil {
		p.endpoint.Release()
	}
	return err
}

// succeeded stores an answer with an access token in it.
func (x *Refresher) succeeded(p *plan, sentAt time.Time, a provider.Answer) error {
	p.endpoint.CompareClocks(a.Date, sentAt, x.cfg.Now())
	before := p.stored.Condition()
	var gained bool
	after, err := x.commit(p.stored, closeIntent, func(r *store.Record) {
		gained = p.exchange(x.cfg.Store).Absorb(r, sentAt, a)
	})
	if err != nil {
		return err
	}
	x.cfg.Circuits.Accepted(p.in.Name, p.name(), x.cfg.Now())
	for _, note := range a.Notes {
		x.cfg.Log.Warn("odd answer", "grant", p.name(), "note", note)
	}
	x.cfg.Log.Info("refreshed", "grant", p.name(), "generation", after.Generation, "gained", gained,
		"expires_at", wire.Stamp(after.Token.ExpiresAt), "window_ends_at", wire.Stamp(after.Refresh.EndsAt), "due_at", wire.Stamp(after.DueAt))
	outcome.WarnOfShortfall(x.cfg.Log, p.name(), p.stored.Token, after.Token, p.rule)
	x.cfg.States.Announce(event.Refreshed, p.stored.Record, before, after)
	return nil
}

// failed stores why there is no new token.
func (x *Refresher) failed(p *plan, sentAt time.Time, f *provider.Failure) error {
	p.endpoint.CompareClocks(f.Date, sentAt, x.cfg.Now())
	before := p.stored.Condition()
	if f.Kind == provider.Misconfigured && f.Answered && !x.blamesClient(p) {
		// Its own fault: it pauses alone, under the code that it met.
		own := *f
		own.Kind = provider.Transient
		f = &own
	}
	switch {
	case f.Kind == provider.Misconfigured:
		x.cfg.Circuits.Refused(p.in, p.name(), f, x.cfg.Now())
	case f.Kind == provider.Limited:
		p.endpoint.Rest(context.Background(), x.cfg.Now().Add(pauseAfter(f, p.rule)))
		x.cfg.Meter.Limited(pauseAfter(f, p.rule))
	}
	sent, intent := p.exchange(x.cfg.Store), closeIntent
	if sent.Open(f) {
		intent = keepIntent
	}
	after, err := x.commit(p.stored, intent, func(r *store.Record) { sent.SetBack(r, sentAt, f) })
	if err != nil {
		return err
	}
	if f.Kind == provider.Transient || f.Kind == provider.Limited {
		p.endpoint.Unserved(sentAt)
	}
	if intent == keepIntent && f.Salvaged.Empty() && !after.Refresh.Value.Equal(p.stored.Refresh.Value) {
		// What is open is the outcome of a token that somebody has replaced
		// meanwhile: nothing is to be found out about the new one.
		if after, err = x.commit(p.stored, closeIntent, func(*store.Record) {}); err != nil {
			return err
		}
	}
	condition := x.cfg.States.Condition(after)
	x.cfg.Log.Warn("refresh failed", "grant", p.name(), "state", condition.State, "reason", after.Reason,
		"status", f.Status, "code", f.Code, "description", f.Description, "tracking_id", f.TrackingID,
		"failures", after.Failures, "due_at", wire.Stamp(after.DueAt))
	x.cfg.States.Announce(event.Failed, p.stored.Record, before, after)
	switch {
	case f.Kind == provider.Misconfigured && !f.Answered:
		// The grant keeps its due time, and the client is tried before.
		return x.cfg.States.Later(p.name(), condition, circuit.ProbePause, f.Error())
	case f.Kind == provider.Limited || !f.Answered:
		return x.cfg.States.Later(p.name(), condition, after.DueAt.Sub(x.cfg.Now()), f.Error())
	}
	detail := fmt.Sprintf("grant %s: %v", p.name(), f)
	if f.Kind == provider.Exhausted {
		detail += "; refreshing does not help until some of its access tokens expire or are revoked, by their owner at " +
			"https://idbroker.webex.com/idb/profile, or by an admin in Control Hub"
	}
	return &refusal.Error{Kind: refusal.Broker, State: condition.State, Reason: condition.Reason,
		Action: x.cfg.States.Action(p.name(), condition), Detail: detail}
}

// pauseAfter is how long the whole endpoint rests after it asked for it.
func pauseAfter(f *provider.Failure, r schedule.Rule) time.Duration {
	if f.RetryAfter > 0 {
		return f.RetryAfter
	}
	return min(15*time.Second, r.MinInterval)
}
