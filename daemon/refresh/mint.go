package refresh

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"webex-tokend/daemon/config"
	"webex-tokend/daemon/provider"
	"webex-tokend/daemon/registry"
	"webex-tokend/store"
)

// No person consents for a service app: the token of another grant, its
// manager, mints a pair of tokens for it. That can be done at any time and uses
// nothing up, so it needs no intent; an answer that is lost costs one token.

// heal mints anew for a service app whose refresh token was refused, before anybody
// hears of the refusal: one that heals itself is no trouble. When that fails, why
// it did is what there is to say of the refusal.
func (x *Refresher) heal(ctx context.Context, p *plan, f *provider.Failure) (healed bool, because *provider.Failure) {
	err := x.Mint(ctx, p.in, p.name())
	if err == nil {
		_, err = x.commit(p.stored, closeIntent, func(*store.Record) {})
		return err == nil, f
	}
	x.cfg.Log.Warn("service app not minted", "grant", p.name(), "manager", p.in.Manager, "error", err)
	told := *f
	told.Description = provider.Shown("refused, and not minted anew: " + err.Error())
	return false, &told
}

// advice is what helps when the API mints nothing, behind its own words: it tells
// by the status alone whose fault it finds.
func advice(err error) string {
	f, failed := errors.AsType[*provider.Failure](err)
	switch {
	case failed && f.Status == http.StatusNotFound:
		return "; see application_id of the integration"
	case failed && f.Status == http.StatusForbidden:
		return "; see target_org_id, the app's approval in Control Hub, and whether the manager has the scope spark:applications_token"
	case failed && f.Status == http.StatusBadRequest:
		return "; see client_id and the secret of the app"
	}
	return ""
}

// Mint fetches a pair and registers it. What it replaces was refused, and is no
// fallback.
func (x *Refresher) Mint(ctx context.Context, in *config.Integration, name string) error {
	manager, err := x.Token(ctx, in.Manager, 0)
	if err != nil {
		return fmt.Errorf("manager %s: %w", in.Manager, err)
	}
	sentAt := x.cfg.Now()
	answer, err := x.cfg.Provider.Mint(ctx, in, manager.Access)
	if f, failed := errors.AsType[*provider.Failure](err); failed && f.Status == http.StatusUnauthorized {
		// That is news of the manager: its token is not in force any more.
		if err := x.refresh(ctx, in.Manager, ordered); err != nil {
			return fmt.Errorf("manager %s, whose token the API refused: %w", in.Manager, err)
		}
		if manager, err = x.Token(ctx, in.Manager, 0); err != nil {
			return fmt.Errorf("manager %s: %w", in.Manager, err)
		}
		sentAt = x.cfg.Now()
		answer, err = x.cfg.Provider.Mint(ctx, in, manager.Access)
	}
	if err != nil {
		return fmt.Errorf("mint by manager %s: %w%s", in.Manager, err, advice(err))
	}
	_, err = x.cfg.Registry.Register(ctx, name, registry.Registration{Answer: answer, IssuedAt: sentAt, Consent: &registry.Consent{OtherUser: true}, Minted: true})
	if err == nil {
		x.cfg.Log.Info("service app minted", "grant", name, "manager", in.Manager)
	}
	return err
}
