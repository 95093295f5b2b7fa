package registry

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"webex-tokend/daemon/config"
	"webex-tokend/daemon/event"
	"webex-tokend/daemon/grantname"
	"webex-tokend/daemon/outcome"
	"webex-tokend/daemon/provider"
	"webex-tokend/daemon/refusal"
	"webex-tokend/daemon/state"
	"webex-tokend/daemon/window"
	"webex-tokend/daemon/wire"
	"webex-tokend/store"
)

// A Registration is a token response or imported file on its way in.
type Registration struct {
	provider.Answer
	// IssuedAt is when the tokens were issued; zero: not known, then lives
	// count from now and are assumed.
	IssuedAt time.Time
	// RedirectURI and CodeVerifier are those of the consent, where one led here.
	RedirectURI  string
	CodeVerifier store.Secret
	// Consent says who has just consented; nil: the tokens came another way.
	Consent *Consent
	// Standing marks a source that is read again and again, a seed: it does not
	// bring back what the operator removed.
	Standing bool
	// Minted marks what a manager made and no human asked for: it does not
	// either.
	Minted bool
}

// Results of a registration.
const (
	resultNew       = "new"
	resultReplaced  = "replaced"
	resultUnchanged = "unchanged"
)

// Registered is what came of a registration. Note is a line for whoever asked for
// it; empty: there is nothing to say.
type Registered struct{ Result, Note string }

// KindOf returns the kind under which a grant is declared; empty: it is not.
func (g *Registry) KindOf(name string) config.Kind {
	if in, _, declared := g.cfg.Config().Rules(name); declared {
		return in.Kind
	}
	return ""
}

// Register takes over the tokens of a grant. It can be repeated: a refresh
// token that was seen before changes nothing, so that no older token ever
// replaces a newer one. A new value replaces, with the one before as fallback.
func (g *Registry) Register(ctx context.Context, name string, reg Registration) (Registered, error) {
	cfg := g.cfg.Config()
	if err := grantname.Valid(name); err != nil {
		return Registered{}, &refusal.Error{Kind: refusal.BadName, Detail: err.Error()}
	}
	in, grant, ok := cfg.Rules(name)
	if !ok {
		return Registered{}, state.Undeclared(cfg, name)
	}
	now := g.cfg.Now()
	if err := usable(cfg, in, name, reg, now); err != nil {
		return Registered{}, err
	}
	if rival, path, found := cfg.Rival(name, func(other string) bool { return g.registeredNow(ctx, other) }); found {
		return Registered{}, &refusal.Error{Kind: refusal.BadContent,
			Detail: fmt.Sprintf("grant %s would write to %s, as grant %s does already", name, path, rival)}
	}
	for {
		result, note, err := g.register(ctx, in, grant, name, reg, now)
		if errors.Is(err, store.ErrConflict) {
			continue
		}
		if err != nil {
			return Registered{}, err
		}
		return Registered{Result: result, Note: note}, nil
	}
}

func (g *Registry) registeredNow(ctx context.Context, name string) bool {
	s, err := g.cfg.Store.Get(ctx, name)
	return err == nil && !s.Removed
}

// importHelp says what can be imported.
const importHelp = "webex-tokend import --help"

// Unreadable refuses what cannot be read as tokens of a grant.
func Unreadable(name string, err error) error {
	return &refusal.Error{Kind: refusal.BadContent, Action: importHelp, Detail: fmt.Sprintf("the import for %s %v", name, err)}
}

// usable refuses what could never serve.
func usable(cfg *config.Config, in *config.Integration, name string, reg Registration, now time.Time) error {
	bad := func(action, format string, args ...any) error {
		return &refusal.Error{Kind: refusal.BadContent, Action: action, Detail: fmt.Sprintf("grant %s: ", name) + fmt.Sprintf(format, args...)}
	}
	if in.Kind == config.Static {
		if reg.Access.Empty() {
			return bad(importHelp, "a static token needs an access_token")
		}
		if end, _ := outcome.AccessEnd(in, reg.Answer, issued(reg, now)); !end.IsZero() && !now.Before(end) {
			return bad(state.Renewal(cfg, name), "the token expired at %s", end.UTC().Format(time.RFC3339))
		}
		return nil
	}
	if reg.Refresh.Empty() {
		return bad(importHelp, "there is no refresh_token, so it could never be refreshed (for a token that lives by itself use kind = \"static\")")
	}
	if end := outcome.WindowEnd(in, reg.Answer, issued(reg, now)); !end.IsZero() && !now.Before(end) {
		return bad(state.Renewal(cfg, name), "the refresh token expired at %s, consent again", end.UTC().Format(time.RFC3339))
	}
	return nil
}

func issued(reg Registration, now time.Time) time.Time {
	if reg.IssuedAt.IsZero() {
		return now
	}
	return reg.IssuedAt.UTC().Truncate(time.Millisecond)
}

func (g *Registry) register(ctx context.Context, in *config.Integration, grant *config.Grant, name string, reg Registration, now time.Time) (result, note string, err error) {
	key := reg.Refresh
	if in.Kind == config.Static {
		key = reg.Access
	}
	print := g.cfg.Store.Fingerprint(key)
	old, err := g.cfg.Store.Get(ctx, name)
	damaged, isDamaged := errors.AsType[*store.DamagedError](err)
	switch {
	case isDamaged:
		// What is there is lost; what comes is whole.
		old = store.Stored{Record: &store.Record{Name: name}, Revision: damaged.Revision}
	case errors.Is(err, store.ErrNotFound):
		old = store.Stored{Record: &store.Record{Name: name}, Revision: store.Absent}
	case err != nil:
		return "", "", fmt.Errorf("look for grant %s: %w", name, err)
	case reg.Consent == nil && recognised(old.Record, print) && (!old.Removed || reg.Standing):
		return resultUnchanged, known(old.Record, key), nil
	}

	if old.Removed && reg.Minted {
		return "", "", &refusal.Error{Kind: refusal.Conflict, Detail: fmt.Sprintf("grant %s was removed by the operator", name)}
	}
	if err := g.vet(old.Record, reg.Consent); err != nil {
		return "", "", err
	}
	r := g.registered(old.Record, in, reg, now)
	r.DueAt = firstDue(r, in, grant, reg, now)
	outcome.Remember(r, print)
	r.Registered = outcome.AddPrint(r.Registered, print, store.MaxRegistered)
	// An outcome that was open concerns a token that is no longer in force. Only
	// a flight under way still needs its intent.
	u := store.Update{Record: r, Expect: old.Revision, Unpublished: grant.HasOutputs() && !r.Token.Access.Empty()}
	if !g.cfg.Flights.Flying(name) {
		u.Close = g.cfg.Flights.Intent(name)
	}
	_, err = g.cfg.Store.Put(ctx, u)
	if errors.Is(err, store.ErrIntentLost) {
		g.cfg.Flights.Close(name)
		return "", "", store.ErrConflict // to be begun anew
	}
	if err != nil {
		return "", "", err
	}
	g.cfg.Flights.Overtake(name)
	g.cfg.States.Arrived(name)
	result = resultReplaced
	before := old.Condition()
	if old.Removed || old.Generation == 0 && old.Refresh.Value.Empty() {
		result, before = resultNew, store.Condition{State: store.Pending}
	}
	g.cfg.Log.Info("registered", "grant", name, "integration", in.Name, "result", result,
		"generation", r.Generation, "expires_at", wire.Stamp(r.Token.ExpiresAt), "window_ends_at", wire.Stamp(r.Refresh.EndsAt), "due_at", wire.Stamp(r.DueAt))
	if in.Kind != config.Static {
		outcome.WarnOfShortfall(g.cfg.Log, name, old.Token, r.Token, outcome.RuleOf(in, grant))
	}
	g.cfg.States.Announce(event.Registered, old.Record, before, r)
	return result, "", nil
}

func recognised(r *store.Record, print store.Fingerprint) bool {
	return slices.Contains(r.Fingerprints, print) || slices.Contains(r.Registered, print)
}

func known(r *store.Record, key store.Secret) string {
	switch {
	case r.Removed:
		return "removed by the operator; import it to bring it back"
	case r.Refresh.Value.Equal(key), r.Refresh.Value.Empty():
		return fmt.Sprintf("already registered, generation %d kept", r.Generation)
	}
	return fmt.Sprintf("already superseded, generation %d kept", r.Generation)
}

// registered is the record after a registration. The operator's pause and what
// recognises older tokens stay.
func (g *Registry) registered(old *store.Record, in *config.Integration, reg Registration, now time.Time) *store.Record {
	r := &store.Record{
		Name:         old.Name,
		Integration:  in.Name,
		Kind:         string(in.Kind),
		Generation:   old.Generation,
		RegisteredAt: now,
		PausedSince:  old.PausedSince,
		RedirectURI:  reg.RedirectURI,
		CodeVerifier: reg.CodeVerifier,
		Fingerprints: old.Fingerprints,
		Registered:   old.Registered,
		LastError:    old.LastError,
	}
	if reg.Minted { // healed, and nobody had to act
		r.LastError = nil
	}
	if r.RedirectURI == "" {
		r.RedirectURI = in.RedirectURL
	}
	from := issued(reg, now)
	if !reg.Access.Empty() {
		r.Generation++
		r.Token = store.Token{Access: reg.Access, Type: outcome.TokenType(reg.Answer, store.Token{}), Scope: reg.Scope, IssuedAt: from}
		r.Token.ExpiresAt, r.AssumedAccess = outcome.AccessEnd(in, reg.Answer, from)
		r.AssumedAccess = r.AssumedAccess || reg.IssuedAt.IsZero() && reg.AccessEnd.IsZero() && reg.AccessLife > 0
	}
	outcome.KeepDetails(r, reg.Answer)
	if in.Kind == config.Static {
		return r
	}
	if reg.Consent != nil {
		g.attribute(r, old, *reg.Consent)
	}
	if sameRefreshToken(old, reg) {
		prolong(r, old, in, reg, from)
		return r
	}
	r.Refresh = store.RefreshToken{Value: reg.Refresh, FirstSeen: from, EndsAt: outcome.WindowEnd(in, reg.Answer, from)}
	r.AssumedWindow = !r.Refresh.EndsAt.IsZero() && reg.RefreshEnd.IsZero() && (reg.IssuedAt.IsZero() || reg.RefreshLife == 0)
	if !old.Refresh.Value.Empty() && old.UnverifiedSince.IsZero() && (reg.Consent == nil || !reg.Consent.OtherUser) {
		r.Fallbacks = outcome.Candidates(old.Refresh, old.Fallbacks)
	}
	r.Observations = window.Observe(nil, outcome.Observation(from, in, reg.Answer, r, false, false))
	return r
}

// firstDue is the normal due time, but within a minute when the life of the
// access token is a mere assumption, or when there is none.
func firstDue(r *store.Record, in *config.Integration, grant *config.Grant, reg Registration, now time.Time) time.Time {
	if in.Kind == config.Static {
		return r.Token.ExpiresAt
	}
	if reg.Access.Empty() || reg.AccessLife == 0 && reg.AccessEnd.IsZero() {
		return now.Add(min(time.Minute, max(in.MinInterval/2, time.Second)))
	}
	return outcome.Due(r, outcome.RuleOf(in, grant))
}
