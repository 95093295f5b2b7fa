// Package endpoint holds what is known of each token URL, whichever integrations
// share it: its permits and its pace, until when it asked for a pause, whether it
// answers, and how far its clock is from ours.
package endpoint

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"

	"golang.org/x/sync/semaphore"
	"golang.org/x/time/rate"
)

// An Endpoint paces the requests to one token URL, whichever integrations
// share it: so many in flight, so many a second, none before the instant that
// it asked for, and one now and then while it does not answer.
type Endpoint struct {
	limits  Limits
	permits *semaphore.Weighted
	rate    *rate.Limiter
	*bearing
}

// A bearing describes the behaviour of an endpoint, whatever its limits.
type bearing struct {
	url string
	set *Set // nil: the endpoint is by itself

	mu          sync.Mutex
	pausedUntil time.Time
	silent      int       // requests in a row that failed at the endpoint
	probeAt     time.Time // while broken: nothing but orders before
	brokenSince time.Time // the first failure of the row
	backAt      time.Time // the last time that it came back; zero: it never broke
	comeback    comeback
	storedUntil time.Time // until when the store has it paused

	skew   time.Duration // its clock less ours, at its last answer
	skewed bool          // the log says that they differ
}

const (
	// brokenAfter is how many requests in a row fail until the endpoint counts
	// as broken: more than one bad moment, less than a fleet's worth.
	brokenAfter = 5
	// The pause before a probe grows with the outage, from the shortest to the
	// longest: what was away for a short time is noticed to be back in a short time.
	// The longest is short: a life of minutes must outlast it, and one request a
	// minute hurts nobody.
	shortestProbe = 2 * time.Second
	longestProbe  = time.Minute
	probeShare    = 16
)

// Limits of an endpoint.
type Limits struct {
	InFlight  int     // 16 when 0
	PerSecond float64 // 0: unbounded
}

// New returns an endpoint by itself, of which nothing is stored for the next start.
func New(l Limits) *Endpoint {
	if l.InFlight <= 0 {
		l.InFlight = 16
	}
	e := &Endpoint{limits: l, permits: semaphore.NewWeighted(int64(l.InFlight)), rate: rate.NewLimiter(rate.Inf, 1), bearing: new(bearing)}
	if l.PerSecond > 0 {
		e.rate = rate.NewLimiter(rate.Limit(l.PerSecond), 1)
	}
	return e
}

// With returns the same endpoint with other limits. What either learns of its
// bearing the other knows: requests are under way by both.
func (e *Endpoint) With(l Limits) *Endpoint {
	other := New(l)
	other.bearing = e.bearing
	return other
}

// URL is the token URL; empty for an endpoint by itself.
func (e *Endpoint) URL() string { return e.url }

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

// PauseUntil lets nothing be sent until then, or longer if that was so already.
func (e *Endpoint) PauseUntil(t time.Time) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if t.After(e.pausedUntil) {
		e.pausedUntil = t
	}
}

// PausedFor returns how long nothing may be sent because the endpoint asked for a
// pause, 0 when it did not.
func (e *Endpoint) PausedFor(now time.Time) time.Duration {
	e.mu.Lock()
	defer e.mu.Unlock()
	return max(0, e.pausedUntil.Sub(now))
}

// SetBack keeps the pauses of the endpoint as long as they are when the clock by
// which they began was set back.
func (e *Endpoint) SetBack(by time.Duration) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, t := range []*time.Time{&e.pausedUntil, &e.probeAt, &e.brokenSince, &e.backAt, &e.storedUntil} {
		*t = t.Add(-by)
	}
	for i := range e.comeback.times {
		e.comeback.times[i] = e.comeback.times[i].Add(-by)
	}
}

// Report takes how a request ended: well when the endpoint answered, whatever
// it said of the grant. It returns whether the endpoint broke by that, or came
// back.
//
// Pauses are of random length up to their bound, so that daemons which lost an
// endpoint at the same instant do not come back to it at the same instant.
func (e *Endpoint) Report(well bool, now time.Time) (turned bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	was := e.silent >= brokenAfter
	if well {
		e.silent, e.probeAt = 0, time.Time{}
		if was {
			e.backAt = now
		}
		return was
	}
	if e.silent++; e.silent == 1 {
		e.brokenSince = now
	}
	if e.silent < brokenAfter {
		return false
	}
	pause := min(max(now.Sub(e.brokenSince)/probeShare, shortestProbe), longestProbe)
	e.probeAt = now.Add(shortestProbe/2 + rand.N(pause))
	return !was
}

// Broken reports whether the endpoint has failed again and again.
func (e *Endpoint) Broken() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.silent >= brokenAfter
}

// Fails reports whether the last request failed at the endpoint.
func (e *Endpoint) Fails() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.silent > 0
}

// MayTry reports whether a grant that has no live token, and failed so many times in
// a row, the last time then, may try the endpoint before its own pause is over:
// while it is broken, at the pace of Probe, and before that a few times, to find out
// whether it is.
func (e *Endpoint) MayTry(failures uint64, triedAt, now time.Time) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.silent >= brokenAfter || e.silent > 0 && failures < brokenAfter && now.Sub(triedAt) >= shortestProbe
}

// LongestPause is how long a grant that failed now may pause for that, at most:
// a minute while the endpoint is broken, and then as long as it has been back,
// so that pauses grow anew. What failed before was no fault of the grant. bounded
// is false for an endpoint that never broke.
func (e *Endpoint) LongestPause(now time.Time) (most time.Duration, bounded bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	switch {
	case e.silent >= brokenAfter:
		return longestProbe, true
	case e.backAt.IsZero():
		return 0, false
	}
	return max(longestProbe, now.Sub(e.backAt)), true
}

// ProbeIn returns how long nothing should be sent because the endpoint is
// broken, 0 when it may be.
func (e *Endpoint) ProbeIn(now time.Time) time.Duration {
	e.mu.Lock()
	defer e.mu.Unlock()
	return max(0, e.probeAt.Sub(now))
}

// Probe claims the right to send: anybody's while the endpoint is well. Of a
// broken one it lets a single request through when it is time to try, and the
// others wait for how that ends, or for the next turn.
func (e *Endpoint) Probe(now time.Time) (wait time.Duration) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.silent < brokenAfter {
		return 0
	}
	if wait = e.probeAt.Sub(now); wait > 0 {
		return wait
	}
	e.probeAt = now.Add(longestProbe)
	return 0
}
