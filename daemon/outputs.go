package daemon

import (
	"context"
	"time"

	"webex-tokend/daemon/event"
	"webex-tokend/daemon/wire"
)

// startPublishing probes the outputs, so that a missing folder or group shows
// now and not when the first token is due, and lets the publisher follow the
// fleet's events. An event that was lost costs nothing: what is behind stands
// in the store too.
func (d *daemon) startPublishing(ctx context.Context) {
	if err := d.publisher.Probe(ctx); err != nil {
		d.log.Warn("outputs will fail", "error", err)
	}
	d.publishes = true
	events := d.events.Subscribe(event.Latest)
	d.tasks.Go(func() { _ = d.publisher.Run(d.publishing) })
	d.tasks.Go(func() {
		defer events.Close()
		for {
			list, err := events.Next(d.publishing)
			if err != nil {
				return
			}
			for _, e := range list {
				d.react(e)
			}
		}
	})
	// A disk that hangs must not keep the daemon from serving its socket.
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	if err := d.publisher.Declared(ctx); err != nil {
		d.log.Warn("outputs are behind at the start", "error", err)
	}
}

func (d *daemon) react(e event.Event) {
	switch e.Kind {
	case event.Registered, event.Refreshed, event.ExpiryConfirmed:
		d.publisher.Publish(e.Grant)
	case event.Failed, event.Changed:
		d.publisher.Restate(e.Grant)
	case event.Removed:
		// It waits for a write under way, which other grants must not.
		d.tasks.Go(func() {
			if err := d.publisher.Remove(d.publishing, e.Grant); err != nil {
				d.log.Error("outputs of a removed grant stay", "grant", e.Grant, "error", err)
			}
		})
	case event.Skipped:
		d.publisher.Reconfigure(d.current.Load())
	}
}

// outputs is asked by the report, which is made before the publisher.
func (d *daemon) outputs(name string) []wire.Output {
	list := d.publisher.Outputs(name)
	if shared := d.current.Load().Seal.Shared; shared != nil {
		for i := range list {
			list[i].Host = shared.Host
		}
	}
	return list
}
