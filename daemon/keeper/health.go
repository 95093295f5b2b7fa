package keeper

import (
	"sync"
	"time"

	"webex-tokend/daemon/wire"
)

// health is what the keeper knows of itself.
type health struct {
	mu        sync.Mutex
	lastSweep time.Time
	overdue   int
	latency   time.Duration // of commits, smoothed
}

func (h *health) swept(now time.Time, overdue int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.lastSweep, h.overdue = now, overdue
}

func (h *health) committed(took time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.latency == 0 {
		h.latency = took
		return
	}
	h.latency += (took - h.latency) / 8
}

func (h *health) wire() wire.Keeper {
	h.mu.Lock()
	defer h.mu.Unlock()
	return wire.Keeper{
		LastSweepAt:         instant(h.lastSweep),
		StoreLatencySeconds: h.latency.Seconds(),
		Overdue:             h.overdue,
	}
}

// LastSweep is when the last sweep ended; the watchdog follows it.
func (k *Keeper) LastSweep() time.Time {
	k.health.mu.Lock()
	defer k.health.mu.Unlock()
	return k.health.lastSweep
}

// instant is how the wire shows a time that may be absent.
func instant(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}
