package api

import (
	"context"
	"net/http"
	"sync"
	"time"

	"golang.org/x/sync/semaphore"
)

// What a user may have under way at once. A page of a large fleet, a forecast
// and the figures are a megabyte or two until their caller has read them, a
// stream of events is that when its reader falls behind, and an import up to
// 32 MiB: times the connections of one user they would be all the memory that
// the daemon may have.
const (
	answersAtOnce = 4
	importsAtOnce = 2
	streamsAtOnce = 64
	// A request waits for placeTimeout at most until another one ends.
	placeTimeout = 30 * time.Second
)

// places are shared by the requests of one user, who so waits for nobody but
// himself. Root needs none: a bound on root would be one on the operator.
type places struct {
	most int64

	mu     sync.Mutex
	byUser map[uint32]*semaphore.Weighted // of users that passed the gate
}

func newPlaces(most int64) *places {
	return &places{most: most, byUser: make(map[uint32]*semaphore.Weighted)}
}

// enter waits for a place, and leave gives it back.
func (p *places) enter(ctx context.Context, uid uint32) (leave func(), err error) {
	if uid == 0 {
		return func() {}, nil
	}
	p.mu.Lock()
	own := p.byUser[uid]
	if own == nil {
		own = semaphore.NewWeighted(p.most)
		p.byUser[uid] = own
	}
	p.mu.Unlock()
	waiting, cancel := context.WithTimeout(ctx, placeTimeout)
	defer cancel()
	if own.Acquire(waiting, 1) != nil {
		return nil, &rejection{status: http.StatusServiceUnavailable, detail: "too many requests of this user are under way", retry: time.Second}
	}
	return func() { own.Release(1) }, nil
}

// within makes a route wait for one of these places.
func within(these *places, serve func(*call) error) func(*call) error {
	return func(c *call) error {
		leave, err := these.enter(c.r.Context(), c.peer.UID)
		if err != nil {
			return err
		}
		defer leave()
		return serve(c)
	}
}
