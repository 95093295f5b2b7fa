// Package meter measures what the daemon does: what refreshing writes, reports
// and metrics read. A Meter owns its figures and its lock, and knows nobody.
package meter

import (
	"sync"
	"time"
)

// Figures count what was done since the meter was made. They only grow, but for
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

// Health says how the daemon itself fares.
type Health struct {
	LastSweep time.Time     // when the last one ended; zero: there was none
	Overdue   int           // refreshes that had not begun in time then
	Latency   time.Duration // of durable changes, smoothed
}

// A Meter is safe for concurrent use; the zero value is ready.
type Meter struct {
	mu      sync.Mutex
	figures Figures
	health  Health
}

// Figures returns the counts of this moment.
func (m *Meter) Figures() Figures {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.figures
}

// Health returns what the last sweep and the last commits showed.
func (m *Meter) Health() Health {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.health
}

// Requested counts a request to a token endpoint that begins.
func (m *Meter) Requested() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.figures.InFlight++
}

// Answered counts the end of a request, whatever came of it.
func (m *Meter) Answered(took time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.figures.InFlight--
	m.figures.Requests++
	m.figures.RequestTime += took
}

// Limited counts an answer that asked for patience.
func (m *Meter) Limited(wait time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.figures.Limited++
	m.figures.LimitedFor += wait
}

// Committed counts a durable change.
func (m *Meter) Committed(took time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.figures.Commits++
	m.figures.CommitTime += took
	if m.health.Latency == 0 {
		m.health.Latency = took
		return
	}
	m.health.Latency += (took - m.health.Latency) / 8
}

// Swept notes the end of a sweep and how many refreshes it found overdue.
func (m *Meter) Swept(now time.Time, overdue int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.health.LastSweep, m.health.Overdue = now, overdue
}
