package keeper

import (
	"context"
	"errors"
	"slices"
	"time"

	"webex-tokend/daemon/config"
	"webex-tokend/daemon/grantname"
	"webex-tokend/daemon/outcome"
	"webex-tokend/daemon/state"
	"webex-tokend/daemon/verdict"
	"webex-tokend/daemon/wire"
	"webex-tokend/store"
)

// Grant returns one grant as its operator sees it.
func (k *Keeper) Grant(ctx context.Context, name string) (wire.Grant, error) {
	return k.view(ctx, k.config.Load(), name)
}

// view reads a grant and shows it, be it pending or damaged.
func (k *Keeper) view(ctx context.Context, cfg *config.Config, name string) (wire.Grant, error) {
	stored, err := k.store.Get(ctx, name)
	if bad, ok := errors.AsType[*store.DamagedError](err); ok {
		return k.show(cfg, &store.Record{Name: name}, verdict.Facts{Absent: k.States.FoundDamaged(bad)}), nil
	}
	if errors.Is(err, store.ErrNotFound) || err == nil && stored.Removed {
		if grantname.Valid(name) == nil && cfg.Declared(name) {
			return k.show(cfg, &store.Record{Name: name}, verdict.Facts{Absent: k.States.PendingCondition(cfg, name)}), nil
		}
		return wire.Grant{}, k.States.Absent(cfg, name)
	}
	if err != nil {
		return wire.Grant{}, err
	}
	return k.show(cfg, stored.Record, k.States.Facts(name, stored.Integration)), nil
}

func (k *Keeper) show(cfg *config.Config, r *store.Record, f verdict.Facts) wire.Grant {
	g := wire.Grant{
		Name:            r.Name,
		Integration:     r.Integration,
		Kind:            r.Kind,
		AccessExpiresAt: instant(r.Token.ExpiresAt),
		RefreshDueAt:    instant(r.DueAt),
		WindowEndsAt:    instant(r.Refresh.EndsAt),
		Window:          string(r.Movement()),
		Assumed:         assumed(r),
		LastRefreshAt:   instant(r.LastRefreshAt),
		Generation:      r.Generation,
		Failures:        r.Failures,
		Outputs:         k.outputs(r.Name),
		Consumers:       k.consumers(r.Name),
		Scope:           r.Token.Scope,
		Labels:          map[string]string{},
		Person:          showPerson(r),
		MissingScopes:   []string{},
	}
	if e := r.LastError; e != nil {
		g.LastError = &wire.LastError{At: e.At, Status: e.Status, Code: e.Code, Description: e.Description, TrackingID: e.TrackingID}
	}
	if g.Outputs == nil {
		g.Outputs = []wire.Output{}
	}
	f.Renewal = state.Renewal(cfg, r.Name)
	if in, grant, ok := cfg.Rules(r.Name); ok {
		g.Integration, g.Kind = in.Name, string(in.Kind)
		g.MissingScopes = missingScopes(in, r.Token.Scope)
		g.Manager, g.Manages = in.Manager, manages(cfg, r.Name)
		if grant.Labels != nil {
			g.Labels = grant.Labels
		}
		if in.Kind != config.Static {
			f.Note = outcome.Shortfall(r.Token, outcome.RuleOf(in, grant))
		}
	}
	if len(g.MissingScopes) > 0 {
		f.Lacks = reasonScopesMissing
	}
	f.Outputs = slices.ContainsFunc(g.Outputs, func(o wire.Output) bool { return o.State == "failed" })
	v := verdict.Of(r, f, k.now())
	g.State, g.Reason, g.Level, g.Action, g.Since = string(v.State), v.Reason, string(v.Level), v.Action, instant(v.Since)
	switch v.State {
	case store.Paused, store.Pending, store.Damaged, store.Unverified:
		g.RefreshDueAt = nil
	}
	if r.Kind == string(config.Static) {
		g.RefreshDueAt = nil
	}
	return g
}

func assumed(r *store.Record) []string {
	list := []string{}
	if r.AssumedAccess {
		list = append(list, "access_expires_at")
	}
	if r.AssumedWindow {
		list = append(list, "window_ends_at")
	}
	return list
}

// instant is how the wire shows a time that may be absent.
func instant(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}
