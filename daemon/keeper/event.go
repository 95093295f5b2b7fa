package keeper

import (
	"context"
	"time"

	"webex-tokend/store"
)

// An EventKind is what happened.
type EventKind string

const (
	Registered EventKind = "registered"
	Refreshed  EventKind = "refreshed" // a new token is stored
	Failed     EventKind = "failed"
	Changed    EventKind = "state"  // the state is another one
	Moved      EventKind = "window" // the window end is another one
	Removed    EventKind = "removed"
)

// An Event is one thing that happened to one grant. It carries no token.
type Event struct {
	ID         uint64 // increasing
	Kind       EventKind
	Grant      string
	Generation uint64
	State      store.State
	Reason     string
	At         time.Time
}

// A Subscription receives events. A reader that falls behind loses the oldest
// events of a grant, never the latest one.
type Subscription struct{}

// Subscribe delivers events after that ID as far as they are still held, then
// new ones.
func (k *Keeper) Subscribe(after uint64) *Subscription { panic("stub") }

// Next waits for at least one event.
func (s *Subscription) Next(ctx context.Context) ([]Event, error) { panic("stub") }

// Close ends the subscription.
func (s *Subscription) Close() { panic("stub") }
