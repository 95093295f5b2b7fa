package flow

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"webex-tokend/daemon/config"
	"webex-tokend/daemon/provider"
	"webex-tokend/daemon/refusal"
	"webex-tokend/daemon/registry"
	"webex-tokend/daemon/wire"
)

// settle ends a consent with what the token endpoint answered. The order
// matters: who consented is asked with the new token before it is registered,
// because a registration replaces.
func (c *Consents) settle(ctx context.Context, a *consent, reg registry.Registration, err error) {
	var outcome *wire.Consented
	if err == nil {
		outcome, err = c.register(ctx, a, reg)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if err != nil {
		why, advice := failureAdvice(a.in, err)
		if is, ok := refusal.As(err); ok && is.Action != "" {
			advice = "next: " + is.Action
		}
		if is, ok := refusal.As(err); ok && is.Reason == wire.OtherUser {
			a.shown.Reason = wire.OtherUser
		}
		c.fail(a, why, advice)
		return
	}
	c.close(a)
	a.shown.State, a.shown.Error, a.shown.Advice, a.shown.Outcome = wire.Done, "", "", outcome
	a.finish()
	c.cfg.Log.Info("consent done", "grant", a.shown.Grant, "result", outcome.Result, "window", outcome.Window,
		"missing_scopes", strings.Join(outcome.Missing, " "))
}

// errNoRefreshToken ends a consent that would be worth no more than one access
// token.
var errNoRefreshToken = errors.New("the consent brought no refresh token, so the grant could never be refreshed; nothing was changed")

// refreshTokenAdvice says what makes servers give one.
func refreshTokenAdvice(in *config.Integration) string {
	return "set in integration " + in.Name + `: authorize_params = { prompt = "consent" } and the scope offline_access, ` +
		`as OpenID Connect servers want it; for Google authorize_params = { access_type = "offline", prompt = "consent" }; then begin again`
}

// register verifies the person and hands the tokens to the registry, which has
// the last word on whether this person may replace what is there.
func (c *Consents) register(ctx context.Context, a *consent, reg registry.Registration) (*wire.Consented, error) {
	if reg.Refresh.Empty() {
		return nil, errNoRefreshToken
	}
	outcome := &wire.Consented{Warnings: []string{}}
	person, err := c.whose(ctx, a.in, reg.Answer)
	if err != nil {
		outcome.Warnings = append(outcome.Warnings, "who consented is not verified: "+unasked(err))
	}
	before, err := c.cfg.Grants.Grant(ctx, a.shown.Grant)
	if err != nil {
		return nil, err
	}
	reg.Consent = &registry.Consent{Person: person, OtherUser: a.options.OtherUser}
	if person.ID != "" && before.Person == nil && before.Generation > 0 {
		reg.Consent.Before = c.formerly(ctx, a)
	}
	registered, err := c.cfg.Registry.Register(ctx, a.shown.Grant, reg)
	if err != nil {
		return nil, err
	}
	after, err := c.cfg.Grants.Grant(ctx, a.shown.Grant)
	if err != nil {
		return nil, err
	}
	outcome.Grant, outcome.Result = after, registered.Result
	if person.ID != "" {
		outcome.Person = &wire.Person{ID: person.ID, DisplayName: person.DisplayName, Email: person.Email, OrgID: person.OrgID}
	}
	outcome.Missing = after.MissingScopes
	if len(outcome.Missing) > 0 {
		outcome.Warnings = append(outcome.Warnings, "not granted: "+strings.Join(outcome.Missing, " "))
	}
	outcome.Window = moved(before.WindowEndsAt, after.WindowEndsAt)
	switch outcome.Window {
	case wire.WindowSame:
		if recent(before, c.cfg.Now()) {
			break // it can hardly have moved yet
		}
		outcome.Warnings = append(outcome.Warnings, "the refresh window did not move: it ends when it would have ended before")
	case wire.WindowEarlier:
		outcome.Warnings = append(outcome.Warnings, "the refresh window ends earlier than before")
	}
	return outcome, nil
}

// whose asks who consented. A Meetings answer says so itself: its API is no
// REST.
func (c *Consents) whose(ctx context.Context, in *config.Integration, a provider.Answer) (provider.Person, error) {
	if in.Kind == config.Meetings {
		if a.User == "" {
			return provider.Person{}, errors.New("the answer names no user")
		}
		return provider.Person{ID: a.User, DisplayName: a.User, Email: a.Email, OrgID: a.Site}, nil
	}
	return c.cfg.Provider.Me(ctx, in, a.Access)
}

// formerly asks the token in force whose it is, for grants that came by import.
// One that does not tell any more gives nobody.
func (c *Consents) formerly(ctx context.Context, a *consent) provider.Person {
	current, err := c.cfg.Tokens.Current(ctx, a.shown.Grant)
	if err != nil || current.Access.Empty() || !current.ExpiresAt.IsZero() && !c.cfg.Now().Before(current.ExpiresAt) {
		return provider.Person{}
	}
	person, err := c.whose(ctx, a.in, provider.Answer{Access: current.Access})
	if err != nil {
		return provider.Person{}
	}
	return person
}

// unasked says why the API did not tell who consented.
func unasked(err error) string {
	f, ok := errors.AsType[*provider.Failure](err)
	switch {
	case !ok:
		return err.Error()
	case f.Code == "no_api_url":
		return "no api_url is known"
	case f.Status == 403:
		return "the scope spark:people_read was not granted"
	case f.Status == 404:
		return "the API has no people/me"
	case f.Status == 0:
		return "the API was not reached, " + f.Code
	}
	return fmt.Sprintf("people/me answered %d", f.Status)
}

// recent reports that the tokens of a grant came within the last day.
func recent(g wire.Grant, now time.Time) bool {
	return len(g.Observations) > 0 && now.Sub(g.Observations[0].At) < 24*time.Hour
}

// still is how little the end of a window may move and count as the same.
const still = time.Minute

func moved(before, after *time.Time) string {
	switch {
	case after == nil:
		return wire.WindowUnknown
	case before == nil:
		return wire.WindowFirst
	case after.Sub(*before).Abs() <= still:
		return wire.WindowSame
	case after.After(*before):
		return wire.WindowLater
	}
	return wire.WindowEarlier
}
