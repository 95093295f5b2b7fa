package keeper

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"

	"webex-tokend/daemon/config"
	"webex-tokend/daemon/schedule"
	"webex-tokend/store"
)

// A lane is a token endpoint with the grants that wait for it. Integrations
// with one token URL share it.
type lane struct {
	endpoint *schedule.Endpoint

	mu      sync.Mutex
	waiting []store.DueGrant // nearest access expiry last
	workers int
	noted   time.Time // until when the store has it closed

	skew   time.Duration // the endpoint's clock less ours, at its last answer
	skewed bool          // the log says that they differ
}

// workersPerPermit is how many grants of a lane are under way for each request
// in flight.
const workersPerPermit = 4

// arrangeLanes gives every token URL its lane. Of limits that integrations
// set differently for the same URL the smallest holds.
func (k *Keeper) arrangeLanes(cfg *config.Config) {
	limits := make(map[string]schedule.Limits)
	for _, in := range cfg.Integrations {
		l, ok := limits[in.TokenURL]
		if !ok || in.Concurrency < l.InFlight {
			l.InFlight = in.Concurrency
		}
		if in.Rate > 0 && (l.PerSecond == 0 || in.Rate < l.PerSecond) {
			l.PerSecond = in.Rate
		}
		limits[in.TokenURL] = l
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	for url, l := range limits {
		before := k.lanes[url]
		if before != nil && before.endpoint.Limits() == l {
			continue
		}
		if before == nil {
			k.lanes[url] = &lane{endpoint: schedule.NewEndpoint(l)}
			continue
		}
		k.lanes[url] = &lane{endpoint: before.endpoint.With(l)}
		k.lanes[url].skew, k.lanes[url].skewed = before.clock()
	}
	for url := range k.lanes {
		if _, ok := limits[url]; !ok {
			delete(k.lanes, url)
		}
	}
}

func (k *Keeper) lane(in *config.Integration) *lane {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.lanes[in.TokenURL]
}

// queue replaces what waits in the lane, nearest access expiry first, and sees
// to it that somebody works it off.
//
// A permit covers the request alone. The other workers make their intents and
// store their answers meanwhile, each of which waits for a commit that it shares
// with all who came in time: the more wait, the less one costs.
func (k *Keeper) queue(l *lane, due []store.DueGrant) {
	slices.SortFunc(due, func(a, b store.DueGrant) int {
		return cmp.Or(compareEnds(b.AccessExpires, a.AccessExpires), b.DueAt.Compare(a.DueAt))
	})
	l.mu.Lock()
	l.waiting = due
	more := min(len(due), workersPerPermit*l.endpoint.Limits().InFlight-l.workers)
	l.workers += max(0, more)
	l.mu.Unlock()
	for range more {
		k.tasks.Go(func() { k.workOff(k.working, l) })
	}
}

func (k *Keeper) workOff(ctx context.Context, l *lane) {
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
		l.mu.Unlock()
		f, _ := k.fly(next.Name, scheduled)
		<-f.done
	}
}

// compareEnds orders instants of which zero means "never".
func compareEnds(a, b time.Time) int {
	switch {
	case a.IsZero() && b.IsZero():
		return 0
	case a.IsZero():
		return 1
	case b.IsZero():
		return -1
	}
	return a.Compare(b)
}
