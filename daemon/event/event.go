// Package event is the one typed stream of what happens to grants. Whoever acts
// on a grant sends, everything that reacts to one subscribes.
//
// It promises that sending never waits for a reader, that every reader gets the
// events in one order, and that a reader that lost some is told so.
package event

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"webex-tokend/store"
)

// A Kind names what happened.
type Kind string

const (
	Registered Kind = "registered" // tokens came by import, seed or inbox
	Refreshed  Kind = "refreshed"  // an answer with a token is stored
	Failed     Kind = "failed"
	Changed    Kind = "state"  // the state is another one
	Moved      Kind = "window" // the window end is another one
	// ExpiryConfirmed: it is known for certain now when the token ends.
	ExpiryConfirmed Kind = "expiry"
	Removed         Kind = "removed" // by the operator
	// Skipped stands where events of many grants are missing, because the reader
	// was too slow or comes back too late: what it derived from events must be
	// read again.
	Skipped Kind = "skipped"
)

// An Event is one thing that happened to one grant. It carries no token.
type Event struct {
	ID         uint64 // increasing, over restarts too
	Kind       Kind
	Grant      string
	Generation uint64
	State      store.State
	Reason     string
	At         time.Time
}

const (
	// A late subscriber can still get this many events.
	replayed = 4096
	// So many events wait for a slow reader before it loses some.
	backlog = 16384
)

// ErrEnded says that the stream or the subscription was closed.
var ErrEnded = errors.New("the event stream has ended")

// A Stream hands events to its subscriptions. It is safe for concurrent use.
type Stream struct {
	now func() time.Time

	mu     sync.Mutex
	last   uint64
	recent []Event
	subs   map[*Subscription]struct{}
	ended  bool
}

// NewStream begins its IDs with the time of its beginning, in microseconds. No
// run has more events than that, so that an ID of an earlier one is below all
// of this one, as long as nobody sets the clock back. Now is the wall clock; nil
// means time.Now.
func NewStream(now func() time.Time) *Stream {
	if now == nil {
		now = time.Now
	}
	return &Stream{now: now, last: uint64(max(now().UnixMicro(), 0)), subs: make(map[*Subscription]struct{})}
}

// Send hands events on and gives them their IDs.
func (s *Stream) Send(events ...Event) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range events {
		s.last++
		e.ID = s.last
		if len(s.recent) >= 2*replayed {
			s.recent = slices.Clone(s.recent[replayed:])
		}
		s.recent = append(s.recent, e)
		for sub := range s.subs {
			sub.add(e)
		}
	}
}

// Close ends all subscriptions once they have delivered what waits.
func (s *Stream) Close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ended = true
	for sub := range s.subs {
		sub.end()
	}
}

// A Subscription receives events. A reader that falls behind loses the older
// events of a grant first; when even the latest ones are too many it finds one
// of kind Skipped in their place.
type Subscription struct {
	stream *Stream
	ready  chan struct{} // holds one token while something waits

	mu      sync.Mutex
	waiting []Event
	ended   bool
}

// Subscribe delivers the events after that ID, then new ones. When some of the
// former are no longer held, or the ID is of another run, one of kind Skipped
// comes first. Latest subscribes to new ones only, 0 to all that are held.
func (s *Stream) Subscribe(after uint64) *Subscription {
	sub := &Subscription{stream: s, ready: make(chan struct{}, 1)}
	s.mu.Lock()
	defer s.mu.Unlock()
	if before := s.beforeHeld(); after != Latest && after != 0 && (after < before || after > s.last) {
		sub.add(Event{ID: before, Kind: Skipped, At: s.now().UTC().Truncate(time.Millisecond)})
		after = before
	}
	for _, e := range s.recent {
		if e.ID > after {
			sub.add(e)
		}
	}
	s.subs[sub] = struct{}{}
	if s.ended {
		sub.end()
	}
	return sub
}

// beforeHeld is the ID before those that are held; mu is held.
func (s *Stream) beforeHeld() uint64 { return s.last - uint64(len(s.recent)) }

// Latest is the position behind every event so far.
const Latest = 1<<64 - 1

// A Source delivers events. *Subscription is one.
type Source interface {
	Next(ctx context.Context) ([]Event, error)
}

// NextUntil waits for events as Next does, and returns none once until has come.
func NextUntil(ctx context.Context, from Source, until time.Time) ([]Event, error) {
	bounded, cancel := context.WithDeadline(ctx, until)
	defer cancel()
	list, err := from.Next(bounded)
	if errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil {
		return nil, nil
	}
	return list, err
}

// Next waits for at least one event. Its errors are ErrEnded and that of ctx.
func (s *Subscription) Next(ctx context.Context) ([]Event, error) {
	for {
		s.mu.Lock()
		events, ended := s.waiting, s.ended
		s.waiting = nil
		s.mu.Unlock()
		if len(events) > 0 {
			return events, nil
		}
		if ended {
			return nil, ErrEnded
		}
		select {
		case <-s.ready:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// Close ends the subscription; Next returns ErrEnded from then on.
func (s *Subscription) Close() {
	s.stream.mu.Lock()
	delete(s.stream.subs, s)
	s.stream.mu.Unlock()
	s.end()
}

func (s *Subscription) add(e Event) {
	s.mu.Lock()
	if len(s.waiting) >= backlog {
		s.waiting = latestOf(s.waiting)
	}
	if len(s.waiting) >= backlog {
		s.waiting = []Event{{ID: e.ID - 1, Kind: Skipped, At: e.At}}
	}
	s.waiting = append(s.waiting, e)
	s.mu.Unlock()
	s.wake()
}

func (s *Subscription) end() {
	s.mu.Lock()
	s.ended = true
	s.mu.Unlock()
	s.wake()
}

func (s *Subscription) wake() {
	select {
	case s.ready <- struct{}{}:
	default:
	}
}

// latestOf keeps the latest event of each grant and kind, in order.
func latestOf(events []Event) []Event {
	type key struct {
		grant string
		kind  Kind
	}
	latest := make(map[key]uint64, len(events))
	for _, e := range events {
		latest[key{e.Grant, e.Kind}] = e.ID
	}
	return slices.DeleteFunc(events, func(e Event) bool { return latest[key{e.Grant, e.Kind}] != e.ID })
}
