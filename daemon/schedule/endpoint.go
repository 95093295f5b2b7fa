package schedule

import (
	"context"
	"sync"
	"time"

	"golang.org/x/sync/semaphore"
	"golang.org/x/time/rate"
)

// An Endpoint paces the requests to one token URL, whichever integrations
// share it: so many in flight, so many a second, none before the instant that
// it asked for.
type Endpoint struct {
	limits  Limits
	permits *semaphore.Weighted
	rate    *rate.Limiter

	mu          sync.Mutex
	closedUntil time.Time
}

// Limits of an endpoint.
type Limits struct {
	InFlight  int     // 16 when 0
	PerSecond float64 // 0: unbounded
}

// NewEndpoint returns an endpoint that is open.
func NewEndpoint(l Limits) *Endpoint {
	if l.InFlight <= 0 {
		l.InFlight = 16
	}
	e := &Endpoint{limits: l, permits: semaphore.NewWeighted(int64(l.InFlight)), rate: rate.NewLimiter(rate.Inf, 1)}
	if l.PerSecond > 0 {
		e.rate = rate.NewLimiter(rate.Limit(l.PerSecond), 1)
	}
	return e
}

// Limits returns what the endpoint was made with.
func (e *Endpoint) Limits() Limits { return e.limits }

// Acquire waits for a permit, which Release gives back.
func (e *Endpoint) Acquire(ctx context.Context) error {
	if err := e.rate.Wait(ctx); err != nil {
		return err
	}
	return e.permits.Acquire(ctx, 1)
}

// Release gives a permit back.
func (e *Endpoint) Release() { e.permits.Release(1) }

// CloseUntil keeps the endpoint closed until then, or longer if it already is.
func (e *Endpoint) CloseUntil(t time.Time) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if t.After(e.closedUntil) {
		e.closedUntil = t
	}
}

// ClosedFor returns how long the endpoint stays closed, 0 when it is open.
func (e *Endpoint) ClosedFor(now time.Time) time.Duration {
	e.mu.Lock()
	defer e.mu.Unlock()
	return max(0, e.closedUntil.Sub(now))
}
