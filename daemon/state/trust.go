package state

import (
	"maps"
	"slices"
	"sync"
	"time"
)

// StorePause is how long nothing is sent after the store refused a write.
const StorePause = 5 * time.Second

// A Trust reports whether the store may be counted on to take the answer to another
// refresh. The zero Trust counts on it. It is safe for concurrent use.
type Trust struct {
	mu        sync.Mutex
	held      map[string]time.Time // grants with an answer in memory alone
	notBefore time.Time            // no intents before that
	fault     *storeFault          // nil: the store accepts writes
	suspended error                // why nothing is sent until Resume; nil: it may be
}

// A storeFault is that the store refused to be written. It lasts until the
// store has accepted what a refresh writes: other changes may be smaller than
// the room that an answer needs.
type storeFault struct {
	grant string // whose refresh was held up
	err   error
	tried bool // that refresh was ordered again
}

// Hold notes that an answer is in memory alone, and reports whether that is news.
func (t *Trust) Hold(name string, since time.Time) (news bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if _, known := t.held[name]; known {
		return false
	}
	if t.held == nil {
		t.held = make(map[string]time.Time)
	}
	t.held[name] = since
	return true
}

// Release notes that the answer is durable, or given up.
func (t *Trust) Release(name string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.held, name)
}

// HeldSince is since when an answer of the grant is in memory alone.
func (t *Trust) HeldSince(name string) (since time.Time, held bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	since, held = t.held[name]
	return since, held
}

// Held lists the grants with an answer in memory alone, in order.
func (t *Trust) Held() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Sorted(maps.Keys(t.held))
}

// Refused notes a write for a grant that the store refused: nothing is sent for a
// while.
func (t *Trust) Refused(name string, now time.Time, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.notBefore = now.Add(StorePause)
	t.fault = &storeFault{grant: name, err: err}
}

// Accepted notes that the store took what a refresh writes.
func (t *Trust) Accepted() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.fault = nil
}

// Suspend lets nothing be sent until Resume, whatever the store accepts.
func (t *Trust) Suspend(why error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.suspended = why
}

// Resume ends what Suspend began.
func (t *Trust) Resume() { t.Suspend(nil) }

// Writable reports whether an intent may be tried: not while an answer is held,
// nor right after a refused write.
func (t *Trust) Writable(now time.Time) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.writable(now)
}

func (t *Trust) writable(now time.Time) bool {
	return t.suspended == nil && len(t.held) == 0 && !now.Before(t.notBefore)
}

// Retry names the grant whose refresh the store held up last, once, when it may
// be tried again. Somebody wants it still, and it finds out whether the store has
// room now, even where no other refresh is due for days. When it ends without a
// word of the store, another gate has closed meanwhile; then the next refresh
// finds out. The grant is left alone while flying reports a flight of it.
func (t *Trust) Retry(now time.Time, flying func(grant string) bool) (grant string, again bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	f := t.fault
	if f == nil || !t.writable(now) || flying(f.grant) {
		return "", false
	}
	if f.tried {
		t.fault = nil
		return "", false
	}
	f.tried = true
	return f.grant, true
}

// Error is why the store refuses to be written; empty: it does not, as far as is
// known.
func (t *Trust) Error() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case t.suspended != nil:
		return t.suspended.Error()
	case t.fault != nil:
		return t.fault.err.Error()
	}
	return ""
}

// SetBack keeps the pause as long as it is when the clock by which it began was
// set back.
func (t *Trust) SetBack(by time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.notBefore = t.notBefore.Add(-by)
}
