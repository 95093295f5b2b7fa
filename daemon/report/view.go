package report

import (
	"context"
	"errors"
	"slices"
	"time"

	"webex-tokend/daemon/config"
	"webex-tokend/daemon/grantname"
	"webex-tokend/daemon/outcome"
	"webex-tokend/daemon/scope"
	"webex-tokend/daemon/state"
	"webex-tokend/daemon/verdict"
	"webex-tokend/daemon/wire"
	"webex-tokend/store"
)

// Grant returns one grant as its operator sees it. That of one that there is not
// is a refusal.Error.
func (r *Report) Grant(ctx context.Context, name string) (wire.Grant, error) {
	e, err := r.read(ctx, r.cfg.Config(), name)
	return e.grant, err
}

// An entry is a grant as it was read and as it is shown.
type entry struct {
	grant   wire.Grant
	record  *store.Record
	verdict verdict.Verdict
}

// read reads a grant and shows it, be it pending or damaged.
func (r *Report) read(ctx context.Context, cfg *config.Config, name string) (entry, error) {
	rec := &store.Record{Name: name}
	var facts verdict.Facts
	stored, err := r.cfg.Store.Get(ctx, name)
	switch bad, damaged := errors.AsType[*store.DamagedError](err); {
	case damaged:
		facts.Absent = r.cfg.States.FoundDamaged(bad)
		facts.Renewal = state.Renewal(cfg, name)
	case errors.Is(err, store.ErrNotFound) || err == nil && stored.Removed:
		if grantname.Valid(name) != nil || !cfg.Declared(name) {
			return entry{}, r.cfg.States.Absent(cfg, name)
		}
		facts = r.cfg.States.PendingFacts(cfg, name)
		facts.Renewal = state.Renewal(cfg, name)
	case err != nil:
		return entry{}, err
	default:
		rec, facts = stored.Record, r.cfg.States.Facts(name, stored.Integration)
	}
	g, v := r.show(cfg, rec, facts)
	return entry{g, rec, v}, nil
}

func (r *Report) show(cfg *config.Config, rec *store.Record, f verdict.Facts) (wire.Grant, verdict.Verdict) {
	g := wire.Grant{
		Name:            rec.Name,
		Integration:     rec.Integration,
		Kind:            rec.Kind,
		AccessExpiresAt: instant(rec.Token.ExpiresAt),
		RefreshDueAt:    instant(rec.DueAt),
		WindowEndsAt:    instant(rec.Refresh.EndsAt),
		Window:          string(rec.Movement()),
		Assumed:         assumed(rec),
		LastRefreshAt:   instant(rec.LastRefreshAt),
		Generation:      rec.Generation,
		Failures:        rec.Failures,
		Outputs:         r.cfg.Outputs(rec.Name),
		Consumers:       r.cfg.Consumers(rec.Name),
		Scope:           rec.Token.Scope,
		Labels:          map[string]string{},
		Person:          showPerson(rec),
		MissingScopes:   []string{},
	}
	if e := rec.LastError; e != nil {
		g.LastError = &wire.LastError{At: e.At, Status: e.Status, Code: e.Code, Description: e.Description, TrackingID: e.TrackingID}
	}
	if g.Outputs == nil {
		g.Outputs = []wire.Output{}
	}
	if in, grant, ok := cfg.Rules(rec.Name); ok {
		g.Integration, g.Kind = in.Name, string(in.Kind)
		// Only what another consent could bring is missing: no person consents for
		// a service app or a bot.
		if in.Kind != config.ServiceApp && in.Kind != config.Static {
			g.MissingScopes = scope.Missing(in.Scopes, rec.Token.Scope)
		}
		g.Manager, g.Manages = in.Manager, manages(cfg, rec.Name)
		if grant.Labels != nil {
			g.Labels = grant.Labels
		}
		if in.Kind != config.Static {
			f.Note = outcome.Shortfall(rec.Token, outcome.RuleOf(in, grant))
		}
	}
	if len(g.MissingScopes) > 0 {
		f.Lacks = reasonScopesMissing
	}
	f.Outputs = slices.ContainsFunc(g.Outputs, func(o wire.Output) bool { return o.State == "failed" })
	v := verdict.Of(rec, f, r.now())
	g.State, g.Reason, g.Level, g.Action, g.Since = string(v.State), v.Reason, string(v.Level), v.Action, instant(v.Since)
	switch v.State {
	case store.Paused, store.Pending, store.Damaged, store.Unverified:
		g.RefreshDueAt = nil
	}
	if rec.Kind == string(config.Static) {
		g.RefreshDueAt = nil
	}
	return g, v
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

// reasonScopesMissing stands beside ok: the token works, though not for all
// that the configuration wants it for.
const reasonScopesMissing = "scopes_missing"

func showPerson(r *store.Record) *wire.Person {
	if r.Person.ID == (store.Fingerprint{}) {
		return nil
	}
	return &wire.Person{DisplayName: r.Person.DisplayName, Email: r.Email}
}

// manages lists the grant blocks of service apps for which a grant mints.
func manages(cfg *config.Config, name string) []string {
	var list []string
	for _, g := range cfg.Grants {
		if in := cfg.Integrations[g.Integration]; in != nil && in.Kind == config.ServiceApp && in.Manager == name {
			list = append(list, g.Name)
		}
	}
	slices.Sort(list)
	return list
}
