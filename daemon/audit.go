package daemon

import (
	"context"
	"time"
)

// The audit reads the whole store behind READY, so slowly that nobody notices:
// a million records take a quarter of an hour. Then it rests for a day.
const (
	auditedAtOnce = 256
	auditPause    = 250 * time.Millisecond
	auditRest     = 24 * time.Hour
)

// auditStore runs until ctx ends. What it finds is repaired where the record
// says how, and otherwise shown as the state of its grant, long before it falls
// due.
func (d *daemon) auditStore(ctx context.Context) {
	for after := ""; ; {
		found, err := d.store.Audit(ctx, d.kv, after, auditedAtOnce)
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			d.log.Error("audit of the store failed", "error", err)
		}
		for _, name := range found.Repaired {
			d.log.Error("grant was missing in an index of the store, repaired", "grant", name)
		}
		for _, name := range found.Damaged {
			// Looking at it lets the keeper know and say so.
			_, _ = d.keeper.Grant(ctx, name)
		}
		after = found.Last
		wait := auditPause
		if after == "" {
			wait = auditRest
		}
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return
		}
	}
}
