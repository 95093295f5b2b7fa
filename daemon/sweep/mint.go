package sweep

import (
	"context"
	"time"

	"webex-tokend/daemon/config"
)

// mintPause is how long a service app waits after a try that failed.
const mintPause = time.Minute

// A minting is a try to mint for a service app, or the pause behind it.
type minting struct {
	running   bool
	notBefore time.Time
}

// mintPending fetches the first tokens of service apps that have none. One
// that the operator removed stays removed.
func (w *Sweeper) mintPending(ctx context.Context, cfg *config.Config, now time.Time) {
	for _, manager := range w.cfg.States.Woken() {
		w.wakeApps(ctx, cfg, manager)
	}
	for _, name := range w.cfg.States.PendingNames() {
		in, _, ok := cfg.Rules(name)
		if !ok || in.Kind != config.ServiceApp || !w.mayMint(name, now) {
			continue
		}
		if stored, err := w.cfg.Store.Get(ctx, name); err == nil && stored.Removed {
			continue
		}
		term := w.term()
		w.begin(func() { w.mint(term, in, name) })
	}
}

// wakeApps mints for the service apps of a manager that got tokens, as far as they
// are not well: their own next try may be a day away.
func (w *Sweeper) wakeApps(ctx context.Context, cfg *config.Config, manager string) {
	for _, g := range cfg.Grants {
		in := cfg.Integrations[g.Integration]
		if in == nil || in.Kind != config.ServiceApp || in.Manager != manager {
			continue
		}
		w.mu.Lock()
		if !w.mints[g.Name].running {
			delete(w.mints, g.Name)
		}
		w.mu.Unlock()
		stored, err := w.cfg.Store.Get(ctx, g.Name)
		if err != nil || stored.Removed || stored.Rejection.Count == 0 && stored.ReauthorizeSince.IsZero() ||
			!stored.PausedSince.IsZero() || !stored.UnverifiedSince.IsZero() || !w.mayMint(g.Name, w.cfg.Now()) {
			continue
		}
		term := w.term()
		w.begin(func() { w.mint(term, in, g.Name) })
	}
}

// mayMint claims a try; the next one comes after a pause.
func (w *Sweeper) mayMint(name string, now time.Time) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if m := w.mints[name]; m.running || now.Before(m.notBefore) {
		return false
	}
	w.mints[name] = minting{running: true, notBefore: now.Add(mintPause)}
	return true
}

// mint runs a try that mayMint claimed.
func (w *Sweeper) mint(ctx context.Context, in *config.Integration, name string) {
	err := w.cfg.Refresher.Mint(ctx, in, name)
	w.mu.Lock()
	w.mints[name] = minting{notBefore: w.mints[name].notBefore}
	if err == nil {
		delete(w.mints, name)
	}
	w.mu.Unlock()
	if err != nil && w.cfg.States.Pend(name, err.Error()) {
		w.cfg.Log.Warn("service app not minted", "grant", name, "manager", in.Manager, "error", err)
	}
}
