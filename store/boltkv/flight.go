package boltkv

import "context"

// A flight is a transaction on its way to the disk. bbolt writes its new meta
// page and then waits for the disk; readers see that page through the memory
// map while it can still be lost. What must not leave the process before it
// is durable, a token above all, therefore waits for the flight to land.
type flight struct {
	changes map[subject]bool
	landed  chan struct{}
	failed  bool // read after landed
}

// A subject is the row or blob that an operation changes.
type subject struct {
	blob bool
	name string
}

func newFlight(group []*operation) *flight {
	f := &flight{changes: make(map[subject]bool, len(group)), landed: make(chan struct{})}
	for _, o := range group {
		f.changes[o.subject] = true
	}
	return f
}

// carries is false for a flight that is nil.
func (f *flight) carries(s subject) bool { return f != nil && f.changes[s] }

// settle waits until what a reader saw during the flight is either on the disk
// or to be read again.
func (f *flight) settle(ctx context.Context) (again bool, err error) {
	select {
	case <-f.landed:
		return f.failed, nil
	case <-ctx.Done():
		return false, ctx.Err()
	}
}
