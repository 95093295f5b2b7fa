package sweep

import (
	"context"
	"time"

	"webex-tokend/daemon/config"
	"webex-tokend/store"
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
	for _, name := range w.cfg.States.PendingNames() {
		if in, _, ok := cfg.Rules(name); ok && in.Kind == config.ServiceApp && in.Manager == manager {
			w.noPause(name)
		}
	}
	for _, in := range cfg.Integrations {
		if in.Kind != config.ServiceApp || in.Manager != manager {
			continue
		}
		for _, p := range []store.Place{{State: store.Reauthorize}, {State: store.Retrying, Part: store.Refused}, {State: store.Unknown, Part: store.Refused}} {
			p.Integration = in.Name
			w.wakePlace(ctx, in, p)
		}
	}
}

// wakePlace mints for the grants of one place, also for those that a pattern declares.
func (w *Sweeper) wakePlace(ctx context.Context, in *config.Integration, p store.Place) {
	for after := (*store.AttentionGrant)(nil); ; {
		list, err := w.cfg.Store.Attention(ctx, p, after, time.Time{}, wokenAtOnce)
		if err != nil {
			w.cfg.Log.Error("service apps of a manager not woken", "manager", in.Manager, "error", err)
		}
		for _, g := range list {
			w.wakeApp(ctx, in, g.Name)
			after = &g
		}
		if err != nil || len(list) < wokenAtOnce {
			return
		}
	}
}

// wokenAtOnce is how many grants of a place are read at a time.
const wokenAtOnce = 256

// wakeApp mints for one that was refused, wherever it is declared.
func (w *Sweeper) wakeApp(ctx context.Context, in *config.Integration, name string) {
	w.noPause(name)
	stored, err := w.cfg.Store.Get(ctx, name)
	if err != nil || stored.Removed || stored.Rejection.Count == 0 && stored.ReauthorizeSince.IsZero() ||
		!stored.PausedSince.IsZero() || !stored.UnverifiedSince.IsZero() || !w.mayMint(name, w.cfg.Now()) {
		return
	}
	term := w.term()
	w.begin(func() { w.mint(term, in, name) })
}

// noPause forgets the pause behind a try, since its reason may be gone.
func (w *Sweeper) noPause(name string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.mints[name].running {
		delete(w.mints, name)
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
