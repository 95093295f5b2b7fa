package sweep

import (
	"context"
	"errors"
	"time"

	"golang.org/x/sync/errgroup"

	"webex-tokend/daemon/config"
	"webex-tokend/daemon/duration"
	"webex-tokend/daemon/refusal"
	"webex-tokend/daemon/wire"
	"webex-tokend/store"
)

const (
	// drainers is how many grants of a drain are under way; the endpoint's own
	// limits hold besides.
	drainers = 16
	// drainPatience is how often an endpoint may ask a grant of a drain to wait.
	drainPatience = 5
)

// Drain refreshes, before nothing is refreshed for so long, every grant that
// gains from it: one whose token would expire meanwhile and the fresh one would
// not, or whose window would end meanwhile and slides. It is exempt from
// budget and interval, as an order is, and waits where an endpoint asks for
// patience. tell is given each grant as it ends, and at last the sum; its error
// ends the drain.
func (w *Sweeper) Drain(ctx context.Context, away time.Duration, tell func(wire.Drained) error) error {
	if w.term().Err() != nil {
		return &refusal.Error{Kind: refusal.Conflict, Action: "webex-tokend hosts", Detail: "this host is not in office: ask the one that is"}
	}
	names, err := w.gaining(ctx, away)
	if err != nil {
		return err
	}
	done := make(chan wire.Drained)
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(drainers + 2)
	queue := make(chan string)
	group.Go(func() error {
		defer close(queue)
		for _, name := range names {
			select {
			case queue <- name:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		return nil
	})
	for range drainers {
		group.Go(func() error {
			for name := range queue {
				d := wire.Drained{Grant: name}
				if err := w.drain(ctx, name); err != nil {
					d.Error = err.Error()
				}
				select {
				case done <- d:
				case <-ctx.Done():
					return ctx.Err()
				}
			}
			return nil
		})
	}
	sum := wire.Drained{Of: len(names)}
	group.Go(func() error {
		for range names {
			var d wire.Drained
			select {
			case d = <-done:
			case <-ctx.Done():
				return ctx.Err()
			}
			sum.Done++
			if d.Error == "" {
				sum.Refreshed++
			} else {
				sum.Failed++
			}
			d.Done, d.Of, d.Refreshed, d.Failed = sum.Done, sum.Of, sum.Refreshed, sum.Failed
			if err := tell(d); err != nil {
				return err
			}
		}
		return nil
	})
	if err := group.Wait(); err != nil {
		return err
	}
	w.cfg.Log.Info("drained by the operator", "refreshed", sum.Refreshed, "failed", sum.Failed)
	return tell(sum)
}

// drain refreshes one grant, as often as its endpoint asks for patience.
func (w *Sweeper) drain(ctx context.Context, name string) error {
	for try := 1; ; try++ {
		err := w.cfg.Refresher.Refresh(ctx, name)
		later, ok := refusal.As(err)
		if !ok || later.Kind != refusal.Unavailable || try == drainPatience {
			return err
		}
		if !duration.Wait(ctx, later.RetryAfter) {
			return errors.Join(err, ctx.Err())
		}
	}
}

// gaining lists the grants that a refresh now brings over an absence.
func (w *Sweeper) gaining(ctx context.Context, away time.Duration) ([]string, error) {
	cfg, now := w.cfg.Config(), w.cfg.Now()
	var names []string
	for part, err := range w.cfg.Store.All(ctx, "", page) {
		if err != nil {
			return nil, err
		}
		for _, s := range part.Records {
			if !s.Removed && w.drainable(cfg, s, now, away) {
				names = append(names, s.Name)
			}
		}
	}
	return names, nil
}

func (w *Sweeper) drainable(cfg *config.Config, s store.Stored, now time.Time, away time.Duration) bool {
	switch w.cfg.States.Condition(s.Record).State {
	case store.OK, store.Retrying, store.Unknown:
	default:
		return false
	}
	in, _, declared := cfg.Rules(s.Name)
	if !declared || in.Kind == config.Static || s.Refresh.Value.Empty() || s.DueAt.IsZero() {
		return false
	}
	return refreshHelps(s.Record, now, now.Add(away))
}

// refreshHelps reports whether a refresh now serves a grant that is left alone until
// back. An answer is taken to say what the last one said.
func refreshHelps(r *store.Record, now, back time.Time) bool {
	token := r.Token.ExpiresAt
	life := token.Sub(r.Token.IssuedAt)
	if !token.IsZero() && token.Before(back) && !now.Add(life).Before(back) {
		return true
	}
	end := r.Refresh.EndsAt
	return !end.IsZero() && end.Before(back) && r.Movement() == store.Sliding
}
