package registry

import (
	"context"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"webex-tokend/daemon/config"
	"webex-tokend/daemon/outcome"
	"webex-tokend/store"
)

// distrusting is how many records are marked at a time, so that they share
// commits.
const distrusting = 256

// Distrust marks the grants of a store that was put back from an older copy, of
// which a refresh token may be used up by now: those of integrations that
// replace it at each use, by the configuration or as a grant has shown, and those of which nobody knows. Sent once more, such
// a token can end the grant at the server. It is called before Start, and can
// be repeated when it was cut off. progress receives how many grants it has
// looked at.
func (g *Registry) Distrust(ctx context.Context, progress func(looked int)) (marked int, err error) {
	cfg := g.cfg.Config()
	rotating, err := g.rotating(ctx)
	if err != nil {
		return 0, err
	}
	looked := 0
	for part, err := range g.cfg.Store.All(ctx, "", page) {
		if err != nil {
			return marked, fmt.Errorf("list grants: %w", err)
		}
		group, ctx := errgroup.WithContext(ctx)
		group.SetLimit(distrusting)
		for _, s := range part.Records {
			if !g.mayBeUsedUp(cfg, s.Record, rotating) {
				continue
			}
			marked++
			group.Go(func() error {
				s.UnverifiedSince, s.DueAt = g.cfg.Now(), time.Time{}
				_, err := g.cfg.Store.Put(ctx, store.Update{Record: s.Record, Expect: s.Revision})
				return err
			})
		}
		if err := group.Wait(); err != nil {
			return marked, fmt.Errorf("mark grants: %w", err)
		}
		looked += part.Looked()
		progress(looked)
	}
	return marked, nil
}

// rotating returns the integrations whose server was seen to replace a refresh
// token. It does so for every grant, also for one that was not refreshed yet.
func (g *Registry) rotating(ctx context.Context) (map[string]bool, error) {
	seen := make(map[string]bool)
	for part, err := range g.cfg.Store.All(ctx, "", page) {
		if err != nil {
			return nil, fmt.Errorf("list grants: %w", err)
		}
		for _, s := range part.Records {
			if outcome.Rotated(s.Record) {
				seen[s.Integration] = true
			}
		}
	}
	return seen, nil
}

func (g *Registry) mayBeUsedUp(cfg *config.Config, r *store.Record, rotating map[string]bool) bool {
	if r.Removed || r.Refresh.Value.Empty() || !r.UnverifiedSince.IsZero() {
		return false
	}
	in, _, declared := cfg.Rules(r.Name)
	return !declared || in.Rotates || rotating[r.Integration] || outcome.Rotated(r)
}

// Adopt trusts an unverified grant: its refresh token is sent at the next due
// time. Adopting one that is not unverified is no error.
func (g *Registry) Adopt(ctx context.Context, name string) error {
	cfg := g.cfg.Config()
	return g.change(ctx, name, func(r *store.Record) bool {
		if r.UnverifiedSince.IsZero() {
			return false
		}
		r.UnverifiedSince, r.DueAt = time.Time{}, g.cfg.Now()
		if in, grant, declared := cfg.Rules(name); declared && !r.Token.ExpiresAt.IsZero() {
			r.DueAt = outcome.Due(r, outcome.RuleOf(in, grant))
		}
		return true
	})
}
