package flight

import (
	"slices"
	"time"
)

// An Outcome is one that is open: the request was sent, or may have been, and the
// store has no answer to it.
type Outcome struct {
	Attempts uint64
	Since    time.Time // the first attempt that this process knows of
}

// Recall notes an outcome that an earlier run left open.
func (f *Flights) Recall(name string, o Outcome) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.open[name] = o
}

// Attempts is how often the refresh token was sent without a durable outcome.
func (f *Flights) Attempts(name string) uint64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.open[name].Attempts
}

// Intend notes an intent that is durable.
func (f *Flights) Intend(name string, attempt uint64, at time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	o := f.open[name]
	if o.Attempts == 0 {
		o.Since = at
	}
	o.Attempts = attempt
	f.open[name] = o
}

// Close notes that the outcome is durable, or of no interest any more.
func (f *Flights) Close(name string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.open, name)
}

// Replaced notes that the outcome concerns a token which is no longer in force.
// A flight under way still needs it.
func (f *Flights) Replaced(name string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.byGrant[name] == nil {
		delete(f.open, name)
	}
}

// Unresolved returns since when the outcome of the grant is open and no flight is
// working on it.
func (f *Flights) Unresolved(name string) (since time.Time, unresolved bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	o := f.open[name]
	return o.Since, o.Attempts > 0 && f.byGrant[name] == nil
}

// AllUnresolved lists the grants with such an outcome, in order.
func (f *Flights) AllUnresolved() (names []string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for name := range f.open {
		if f.byGrant[name] == nil {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}
