package keeper

import (
	"context"
	"fmt"

	"webex-tokend/daemon/config"
)

// No person consents for a service app: the token of another grant, its
// manager, mints a pair of tokens for it. That can be done at any time and uses
// nothing up, so it needs no intent; an answer that is lost costs one token.

// heal mints anew for a service app whose refresh token was refused. When that
// fails too, the refusal stands.
func (k *Keeper) heal(ctx context.Context, p *plan, refused error) error {
	err := k.Mint(ctx, p.in, p.name())
	if err != nil {
		k.log.Warn("service app not minted", "grant", p.name(), "manager", p.in.Manager, "error", err)
		return refused
	}
	return nil
}

// Mint fetches a pair and registers it. What it replaces was refused, and is no
// fallback.
func (k *Keeper) Mint(ctx context.Context, in *config.Integration, name string) error {
	manager, err := k.Token(ctx, in.Manager, 0)
	if err != nil {
		return fmt.Errorf("manager %s: %w", in.Manager, err)
	}
	sentAt := k.now()
	answer, err := k.provider.Mint(ctx, in, manager.Access)
	if err != nil {
		return fmt.Errorf("mint by manager %s: %w", in.Manager, err)
	}
	_, err = k.Register(ctx, name, Registration{Answer: answer, IssuedAt: sentAt, Consent: &Consent{OtherUser: true}, Minted: true})
	if err == nil {
		k.log.Info("service app minted", "grant", name, "manager", in.Manager)
	}
	return err
}
