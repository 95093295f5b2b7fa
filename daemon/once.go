package daemon

import (
	"context"
	"errors"
	"time"

	"webex-tokend/daemon/event"
)

// ErrIncomplete is what Once returns when a seed, an inbox file, a refresh or an
// output failed, or a seed is missing and its grant has no token. The log has
// said which.
var ErrIncomplete = errors.New("not everything that was due succeeded")

// ErrShared is what Once returns where hosts share the store: the one in office
// does what is due, and that is no matter of one run.
var ErrShared = errors.New("run --once is for a store that is a file of this host")

// Once does what is due, publishes and returns: nil, ErrIncomplete or ErrShared.
func Once(ctx context.Context, cfg Config) error {
	if cfg.Config.Seal.Shared != nil {
		return ErrShared
	}
	d, err := open(ctx, cfg)
	if err != nil {
		return err
	}
	err = d.once(ctx)
	if stopErr := d.stop(); err == nil {
		err = stopErr
	}
	return err
}

// once does the work of one start and one sweep.
func (d *daemon) once(ctx context.Context) error {
	events := d.events.Subscribe(event.Latest)
	defer events.Close()
	d.startPublishing(ctx)
	complete := d.seeds.ReadAll(ctx, d.current.Load())
	taken, err := d.emptyInbox(ctx)
	if err != nil {
		return err
	}
	complete = complete && taken

	d.fleet.Sweeper.Sweep(ctx)
	if err := d.fleet.Sweeper.Idle(ctx); err != nil {
		return err
	}
	// The events of the last refreshes may not have arrived; the store knows
	// what is behind, and this makes the publisher ask it.
	d.publisher.Reconfigure(d.current.Load())
	if err := d.publisher.Idle(ctx); err != nil {
		return err
	}
	if !d.seeded(ctx) {
		complete = false
	}
	if !complete || failed(events) || len(d.publisher.Failing()) > 0 {
		return ErrIncomplete
	}
	return nil
}

// seeded logs which grants have no token although they have a seed, and tells
// whether there is none. A daemon that runs on waits for the file; whoever waits
// for this one to end counts on the token. What the operator removed stays away.
func (d *daemon) seeded(ctx context.Context) (all bool) {
	all = true
	for _, g := range d.fleet.States.PendingSeeds() {
		if stored, err := d.vault.Store().Get(ctx, g.Name); err == nil && stored.Removed {
			continue
		}
		all = false
		d.log.Error("grant has no token", "grant", g.Name, "seed", g.Seed.File)
	}
	return all
}

// emptyInbox waits until every file has settled, and reports whether all were
// taken.
func (d *daemon) emptyInbox(ctx context.Context) (complete bool, err error) {
	complete = true
	for {
		taken, err := d.inbox.Take(ctx)
		if err != nil {
			return false, err
		}
		complete = complete && taken.Failed == 0
		if taken.Waiting == 0 {
			return complete, nil
		}
		select {
		case <-time.After(250 * time.Millisecond):
		case <-ctx.Done():
			return false, ctx.Err()
		}
	}
}

// failed looks for a failure among the events that have come.
func failed(events *event.Subscription) bool {
	now, cancel := context.WithCancel(context.Background())
	cancel()
	list, _ := events.Next(now)
	for _, e := range list {
		if e.Kind == event.Failed {
			return true
		}
	}
	return false
}
