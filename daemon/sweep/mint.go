package sweep

import (
	"context"
	"time"

	"webex-tokend/daemon/config"
)

// mintPause is how long a service app waits after a try that failed.
const mintPause = time.Minute

// mintPending fetches the first tokens of service apps that have none. One
// that the operator removed stays removed.
func (w *Sweeper) mintPending(ctx context.Context, cfg *config.Config, now time.Time) {
	for _, name := range w.cfg.States.PendingNames() {
		in, _, ok := cfg.Rules(name)
		if !ok || in.Kind != config.ServiceApp || !w.mayMint(name, now) {
			continue
		}
		if stored, err := w.cfg.Store.Get(ctx, name); err == nil && stored.Removed {
			continue
		}
		w.begin(func() { w.mintFirst(w.working, in, name) })
	}
}

// mayMint claims a try; the next one comes after a pause.
func (w *Sweeper) mayMint(name string, now time.Time) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if now.Before(w.mints[name]) {
		return false
	}
	w.mints[name] = now.Add(mintPause)
	return true
}

func (w *Sweeper) mintFirst(ctx context.Context, in *config.Integration, name string) {
	err := w.cfg.Refresher.Mint(ctx, in, name)
	if err == nil {
		w.mu.Lock()
		delete(w.mints, name)
		w.mu.Unlock()
		return
	}
	if w.cfg.States.Pend(name, err.Error()) {
		w.cfg.Log.Warn("service app not minted", "grant", name, "manager", in.Manager, "error", err)
	}
}
