package keeper

import (
	"sync"
	"time"
)

// Figures count what the keeper did since it was made. They only grow, but for
// InFlight.
type Figures struct {
	InFlight    int // requests to token endpoints
	Requests    uint64
	RequestTime time.Duration
	Limited     uint64 // answers that asked for patience
	LimitedFor  time.Duration
	Commits     uint64
	CommitTime  time.Duration
}

// A meter is the keeper's hand on its figures.
type meter struct {
	mu      sync.Mutex
	figures Figures
}

// Figures returns the counts of this moment.
func (k *Keeper) Figures() Figures {
	k.meter.mu.Lock()
	defer k.meter.mu.Unlock()
	return k.meter.figures
}

func (m *meter) requested() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.figures.InFlight++
}

func (m *meter) answered(took time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.figures.InFlight--
	m.figures.Requests++
	m.figures.RequestTime += took
}

func (m *meter) limited(wait time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.figures.Limited++
	m.figures.LimitedFor += wait
}

func (m *meter) committed(took time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.figures.Commits++
	m.figures.CommitTime += took
}
