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
	skew      time.Duration // the server's clock minus ours, at its last answer
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

// skewed compares the server's Date, which has whole seconds, with the middle
// of the exchange.
func (h *health) skewed(server, sent, answered time.Time) {
	if server.IsZero() {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.skew = skew(server, sent, answered)
}

// skew is how far the server's clock is ahead of ours, 0 where it cannot be told.
func skew(server, sent, answered time.Time) time.Duration {
	skew := server.Sub(sent.Add(answered.Sub(sent) / 2))
	if skew.Abs() < time.Second {
		return 0
	}
	return skew
}

func (h *health) wire() wire.Keeper {
	h.mu.Lock()
	defer h.mu.Unlock()
	return wire.Keeper{
		LastSweepAt:         instant(h.lastSweep),
		StoreLatencySeconds: h.latency.Seconds(),
		ClockSkewSeconds:    h.skew.Seconds(),
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
