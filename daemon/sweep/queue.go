package sweep

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"sync"

	"webex-tokend/daemon/verdict"
	"webex-tokend/store"
)

// A lane is the grants that wait for one token URL, which integrations may
// share.
type lane struct {
	mu      sync.Mutex
	waiting []store.DueGrant // nearest access expiry last
	// woken are grants that wait as well although they are not due: their endpoint
	// has come back. The next sweep does not find them again.
	woken   map[string]store.DueGrant
	workers int
}

// wake lets grants be queued that are not due.
func (l *lane) wake(list []store.DueGrant) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.woken == nil {
		l.woken = make(map[string]store.DueGrant)
	}
	for _, g := range list {
		l.woken[g.Name] = g
	}
}

// workersPerPermit is how many grants of a lane are under way for each request
// in flight.
const workersPerPermit = 4

// lane returns the one for a token URL.
func (w *Sweeper) lane(url string) *lane {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.lanes[url] == nil {
		w.lanes[url] = new(lane)
	}
	return w.lanes[url]
}

// queue replaces what waits in the lane, nearest access expiry first, and sees
// to it that somebody works it off.
//
// A permit covers the request alone. The other workers make their intents and
// store their answers meanwhile, each of which waits for a commit that it shares
// with all who came in time: the more wait, the less one costs.
func (w *Sweeper) queue(l *lane, due []store.DueGrant, inFlight int) {
	l.mu.Lock()
	for _, g := range due {
		delete(l.woken, g.Name)
	}
	due = slices.AppendSeq(due, maps.Values(l.woken))
	slices.SortFunc(due, func(a, b store.DueGrant) int {
		return cmp.Or(verdict.CompareEnds(b.AccessExpires, a.AccessExpires), b.DueAt.Compare(a.DueAt))
	})
	l.waiting = due
	more := min(len(due), workersPerPermit*inFlight-l.workers)
	l.workers += max(0, more)
	l.mu.Unlock()
	for range more {
		term := w.term()
		w.begin(func() { w.workOff(term, l) })
	}
}

func (w *Sweeper) workOff(ctx context.Context, l *lane) {
	for {
		l.mu.Lock()
		n := len(l.waiting)
		if n == 0 || ctx.Err() != nil {
			l.workers--
			l.mu.Unlock()
			return
		}
		next := l.waiting[n-1]
		l.waiting = l.waiting[:n-1]
		delete(l.woken, next.Name)
		l.mu.Unlock()
		_, _ = w.cfg.Refresher.Due(next.Name).Wait(ctx)
	}
}
