package refresh

import (
	"context"
	"errors"
	"fmt"

	"webex-tokend/daemon/flight"
	"webex-tokend/daemon/outcome"
	"webex-tokend/daemon/schedule"
	"webex-tokend/daemon/wire"
	"webex-tokend/store"
)

// promptAttempts is how often an unknown outcome is cleared up at once; an
// attempt is counted in the store before it is sent, so that a daemon that
// crashes again and again cannot hammer the endpoint.
const promptAttempts = 3

// Recall lists the refreshes whose outcome never became durable. Resolve sends
// their refresh tokens once more, at once: that is what a server's grace period is
// for. Whoever has had that chance twice waits.
//
// With all false it leaves out what this process knows of: the rest is what hosts
// that have gone left open, and may be taken over by now.
func (x *Refresher) Recall(ctx context.Context, all bool) (list []store.OpenIntent, err error) {
	var after string
	for {
		open, err := x.cfg.Store.Intents(ctx, after, page)
		if err != nil {
			return nil, fmt.Errorf("list open intents: %w", err)
		}
		for _, i := range open {
			if x.cfg.Flights.Flying(i.Name) || !all && x.cfg.Flights.Intent(i.Name) != nil || x.cfg.Hosts.foreign(i) {
				continue
			}
			x.cfg.Flights.Recall(i.Name, flight.Outcome{Attempts: max(i.Attempt, 1), Since: i.At, Intent: &i})
			list = append(list, i)
		}
		if len(open) < page {
			return list, nil
		}
		after = open[len(open)-1].Name
	}
}

// Resolve clears up one outcome, and puts the grant on the schedule when that
// does not succeed.
func (x *Refresher) Resolve(ctx context.Context, i store.OpenIntent) {
	x.cfg.Log.Warn("outcome of a refresh is unknown", "grant", i.Name, "sent_at", wire.Stamp(i.At), "attempt", i.Attempt)
	if i.Attempt < promptAttempts {
		if err := x.refresh(ctx, i.Name, resumed); err == nil {
			return
		}
	}
	if _, held := x.cfg.Trust.HeldSince(i.Name); held {
		return // its answer came from the spool and waits for the store
	}
	cfg := x.cfg.Config()
	if there, err := x.cfg.Store.Get(ctx, i.Name); errors.Is(err, store.ErrNotFound) || err == nil && there.Removed {
		// Whoever removed the grant did not know of the intent.
		if err := x.cfg.Store.Withdraw(ctx, i); err == nil {
			x.cfg.Flights.Close(i.Name)
		}
		return
	}
	stored, err := x.cfg.States.Read(ctx, cfg, i.Name)
	if err != nil || !stored.UnknownSince.IsZero() || !stored.LastAttemptAt.Before(i.At) && stored.Failures == 0 {
		return // gone, resolved, or noted already
	}
	in, g, declared := cfg.Rules(i.Name)
	if !declared {
		return
	}
	_, _ = x.commit(stored, keepIntent, func(r *store.Record) {
		r.UnknownSince = i.At
		if r.Reason != outcome.Rejected { // which the attempt just now brought
			r.Reason = "no_answer"
		}
		r.Failures = max(r.Failures, i.Attempt)
		if r.FailingSince.IsZero() {
			r.FailingSince = i.At
		}
		due := schedule.Backoff(schedule.Setback{Name: r.Name, Failures: r.Failures, At: x.cfg.Now(), ExpiresAt: r.Token.ExpiresAt}, outcome.RuleOf(in, g))
		if r.DueAt.IsZero() || due.Before(r.DueAt) || r.DueAt.Before(x.cfg.Now()) {
			r.DueAt = due
		}
	})
}
