package boltkv

import (
	"context"
	"sync"

	"webex-tokend/store"
)

// An operation is one change on its way through the committer.
type operation struct {
	ctx     context.Context
	subject subject
	apply   func(*transaction) (store.Revision, error)
	makes   bool // a row that was not there
	opens   bool // begins a refresh, whose answer must have room

	// revision and err are written by the committer before it closes done.
	revision store.Revision
	err      error
	done     chan struct{}
}

// A queue hands operations to the committer in the order in which they came.
// It has no bound of its own: every operation has a caller that waits.
type queue struct {
	mu      sync.Mutex
	waiting []*operation
	closed  bool
	wake    chan struct{} // has room for one
}

func newQueue() *queue { return &queue{wake: make(chan struct{}, 1)} }

// put reports false when the queue is closed.
func (q *queue) put(o *operation) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return false
	}
	q.waiting = append(q.waiting, o)
	q.signal()
	return true
}

// take returns up to limit operations without waiting, and whether more can
// ever come.
func (q *queue) take(limit int) (group []*operation, more bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	n := min(limit, len(q.waiting))
	group = q.waiting[:n:n]
	if q.waiting = q.waiting[n:]; len(q.waiting) == 0 {
		q.waiting = nil
	}
	return group, !q.closed || len(q.waiting) > 0
}

func (q *queue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	q.signal()
}

func (q *queue) isClosed() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.closed
}

func (q *queue) signal() {
	select {
	case q.wake <- struct{}{}:
	default:
	}
}
