package endpoint

import "time"

// comebacks is how many times an endpoint can come back for a grant that fails all
// the while, before its pauses count as its own: a grant that fails whatever the
// endpoint does for others must not be tried each time that another one succeeds.
const comebacks = 8

// A comeback tracks when requests began to succeed again. What fails now and then
// is no outage of the endpoint, but for whoever meets it: every first success
// after a failure counts. bearing.mu guards it.
type comeback struct {
	serves bool        // the last request that says anything of it succeeded
	times  []time.Time // the latest last, of no more than comebacks
	wanted bool        // nobody has looked yet for grants that it concerns
}

func (c *comeback) last() time.Time {
	if len(c.times) == 0 {
		return time.Time{}
	}
	return c.times[len(c.times)-1]
}

// Served notes a request that succeeded.
func (e *Endpoint) Served(now time.Time) {
	e.mu.Lock()
	defer e.mu.Unlock()
	c := &e.comeback
	if c.serves {
		return
	}
	c.serves, c.wanted = true, true
	c.times = append(c.times, now)
	c.times = c.times[max(0, len(c.times)-comebacks):]
}

// Unserved notes a request of that time whose failure is stored, and for which the
// endpoint, or the way to it, may be at fault. One that was under way when another
// succeeded says nothing of the time since.
func (e *Endpoint) Unserved(sentAt time.Time) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.comeback.serves && sentAt.Before(e.comeback.last()) {
		e.comeback.wanted = true
		return
	}
	e.comeback.serves = false
}

// CameBack reports, once, that grants may be waiting for a pause that began
// before requests succeeded again.
func (e *Endpoint) CameBack() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	wanted := e.comeback.wanted
	e.comeback.wanted = false
	return wanted
}

// Excuses reports whether a grant that has failed since then, and was tried last
// at that time, need not wait for the end of its pause: the endpoint has come back
// after it.
func (e *Endpoint) Excuses(failingSince, triedAt time.Time) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	times := e.comeback.times
	return triedAt.Before(e.comeback.last()) && (len(times) < comebacks || failingSince.After(times[0]))
}
