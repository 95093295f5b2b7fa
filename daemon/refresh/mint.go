package refresh

import (
	"context"
	"fmt"

	"webex-tokend/daemon/config"
	"webex-tokend/daemon/registry"
)

// No person consents for a service app: the token of another grant, its
// manager, mints a pair of tokens for it. That can be done at any time and uses
// nothing up, so it needs no intent; an answer that is lost costs one token.

// heal mints anew for a service app whose refresh token was refused. When that
// fails too, the refusal stands.
func (x *Refresher) heal(ctx context.Context, p *plan, refused error) error {
	err := x.Mint(ctx, p.in, p.name())
	if err != nil {
		x.cfg.Log.Warn("service app not minted", "grant", p.name(), "manager", p.in.Manager, "error", err)
		return refused
	}
	return nil
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
	if err != nil {
		return fmt.Errorf("mint by manager %s: %w", in.Manager, err)
	}
	_, err = x.cfg.Registry.Register(ctx, name, registry.Registration{Answer: answer, IssuedAt: sentAt, Consent: &registry.Consent{OtherUser: true}, Minted: true})
	if err == nil {
		x.cfg.Log.Info("service app minted", "grant", name, "manager", in.Manager)
	}
	return err
}
