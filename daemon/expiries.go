package daemon

import (
	"context"
	"maps"
	"slices"
	"time"

	"webex-tokend/daemon/duration"
	"webex-tokend/daemon/event"
)

// Webex is asked of one token at a time. A storm of imports asks about the first
// thousand: the others are refreshed in time, and their answers tell.
const (
	askedAtOnce = 1000
	askPause    = 100 * time.Millisecond
	askAgain    = time.Minute // doubled with each failure
	askSeldom   = time.Hour
)

// startExpiries asks of tokens that are registered from here on when they end.
func (d *daemon) startExpiries() {
	events := d.events.Subscribe(event.Latest)
	d.tasks.Go(func() {
		defer events.Close()
		d.askExpiries(d.watching, events)
	})
}

// An unconfirmed expiry is that of a token whose end no answer gave.
type unconfirmed struct {
	due   time.Time
	pause time.Duration
}

func (d *daemon) askExpiries(ctx context.Context, events *event.Subscription) {
	open := make(map[string]unconfirmed)
	for {
		list, err := nextUntil(ctx, events, open)
		if err != nil {
			return
		}
		for _, e := range list {
			if e.Kind == event.Registered && len(open) < askedAtOnce {
				open[e.Grant] = unconfirmed{due: time.Now(), pause: askAgain}
			}
		}
		for grant, of := range maps.Clone(open) {
			if of.due.After(time.Now()) {
				continue
			}
			if d.cluster != nil && !d.cluster.office.MayAct() {
				delete(open, grant) // one host asks
				continue
			}
			if err := d.fleet.Registry.AskExpiry(ctx, grant); err != nil {
				d.log.Debug("end of the token not told", "grant", grant, "again_in", of.pause.String(), "error", err)
				open[grant] = unconfirmed{time.Now().Add(of.pause), min(2*of.pause, askSeldom)}
			} else {
				delete(open, grant)
			}
			if !duration.Wait(ctx, askPause) {
				return
			}
		}
	}
}

// nextUntil waits for events, and no longer than until the first of them falls due.
func nextUntil(ctx context.Context, events *event.Subscription, open map[string]unconfirmed) ([]event.Event, error) {
	if len(open) == 0 {
		return events.Next(ctx)
	}
	first := slices.MinFunc(slices.Collect(maps.Values(open)), func(a, b unconfirmed) int { return a.due.Compare(b.due) })
	return event.NextUntil(ctx, events, first.due)
}
