package flight

import (
	"slices"
	"time"

	"webex-tokend/store"
)

// An Outcome is one that is open: the request was sent, or may have been, and the
// store has no answer to it.
type Outcome struct {
	Attempts uint64
	Since    time.Time // the first attempt that this process knows of
	// Intent is what stands in the store, and is to be closed or replaced; nil:
	// nothing that this process knows of. It can stand without an attempt, when the
	// store did not take back what was never sent.
	Intent *store.OpenIntent
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

// Intent is the open one that this process may close or replace; nil: none.
func (f *Flights) Intent(name string) *store.OpenIntent {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.open[name].Intent
}

// Stands notes what stands in the store, whatever was sent.
func (f *Flights) Stands(name string, intent *store.OpenIntent) {
	f.mu.Lock()
	defer f.mu.Unlock()
	o := f.open[name]
	if o.Intent = intent; o == (Outcome{}) {
		delete(f.open, name)
		return
	}
	f.open[name] = o
}

// Intend notes an intent that is durable.
func (f *Flights) Intend(name string, attempt uint64, at time.Time, intent *store.OpenIntent) {
	f.mu.Lock()
	defer f.mu.Unlock()
	o := f.open[name]
	if o.Attempts == 0 {
		o.Since = at
	}
	o.Attempts, o.Intent = attempt, intent
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
	for name, o := range f.open {
		if o.Attempts > 0 && f.byGrant[name] == nil {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}
