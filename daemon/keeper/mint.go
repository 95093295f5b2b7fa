package keeper

import (
	"context"
	"fmt"
	"slices"
	"time"

	"webex-tokend/daemon/config"
)

// No person consents for a service app: the token of another grant, its
// manager, mints a pair of tokens for it. That can be done at any time and uses
// nothing up, so it needs no intent; an answer that is lost costs one token.

// mintPause is how long a service app waits after a try that failed.
const mintPause = time.Minute

// mintPending fetches the first tokens of service apps that have none. One
// that the operator removed stays removed.
func (k *Keeper) mintPending(ctx context.Context, cfg *config.Config, now time.Time) {
	for _, name := range k.States.PendingNames() {
		in, _, ok := cfg.Rules(name)
		if !ok || in.Kind != config.ServiceApp || !k.mayMint(name, now) {
			continue
		}
		if stored, err := k.store.Get(ctx, name); err == nil && stored.Removed {
			continue
		}
		k.mu.Lock()
		if !k.stopping {
			k.tasks.Go(func() { k.mintFirst(k.working, in, name) })
		}
		k.mu.Unlock()
	}
}

// mayMint claims a try; the next one comes after a pause.
func (k *Keeper) mayMint(name string, now time.Time) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	if now.Before(k.mints[name]) {
		return false
	}
	k.mints[name] = now.Add(mintPause)
	return true
}

func (k *Keeper) mintFirst(ctx context.Context, in *config.Integration, name string) {
	err := k.mint(ctx, in, name)
	if err == nil {
		k.mu.Lock()
		delete(k.mints, name)
		k.mu.Unlock()
		return
	}
	if k.States.Pend(name, err.Error()) {
		k.log.Warn("service app not minted", "grant", name, "manager", in.Manager, "error", err)
	}
}

// heal mints anew for a service app whose refresh token was refused. When that
// fails too, the refusal stands.
func (k *Keeper) heal(ctx context.Context, p *plan, refused error) error {
	err := k.mint(ctx, p.in, p.name())
	if err != nil {
		k.log.Warn("service app not minted", "grant", p.name(), "manager", p.in.Manager, "error", err)
		return refused
	}
	return nil
}

// mint fetches a pair and registers it. What it replaces was refused, and is no
// fallback.
func (k *Keeper) mint(ctx context.Context, in *config.Integration, name string) error {
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
