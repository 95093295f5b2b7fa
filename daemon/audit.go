package daemon

import (
	"context"
	"time"

	"webex-tokend/store"
)

// The audit reads the whole store behind READY, so slowly that nobody notices:
// a million records take a quarter of an hour, their index entries as long, the
// pages of the file before them some seconds. Then it rests for a day.
const (
	auditedAtOnce = 256
	entriesAtOnce = 512
	auditPause    = 250 * time.Millisecond
	auditRest     = 24 * time.Hour
)

// auditStore runs until ctx ends. What it finds is repaired where the record
// says how, and otherwise shown as the state of its grant, long before it falls
// due. Records come before index entries: what they repair is no stray then.
func (d *daemon) auditStore(ctx context.Context) {
	for {
		if err := d.kv.Survey(ctx); err != nil && ctx.Err() == nil {
			d.log.Error("survey of the store failed", "error", err)
		}
		d.auditRecords(ctx)
		d.auditEntries(ctx)
		if !wait(ctx, auditRest) {
			return
		}
	}
}

// auditRecords ends early at a page that cannot be read; the next round begins
// anew.
func (d *daemon) auditRecords(ctx context.Context) {
	for after := ""; ; {
		found, err := d.store.Audit(ctx, d.kv, after, auditedAtOnce)
		if err != nil && ctx.Err() == nil {
			d.log.Error("audit of the store failed", "error", err)
		}
		for _, name := range found.Repaired {
			d.log.Error("grant was not in the indexes of the store as its record says, repaired", "grant", name)
		}
		for _, name := range found.Damaged {
			// Looking at it lets the keeper know and say so.
			_, _ = d.keeper.Grant(ctx, name)
		}
		after = found.Last
		if after == "" || !wait(ctx, auditPause) {
			return
		}
	}
}

func (d *daemon) auditEntries(ctx context.Context) {
	for after := (store.Spot{}); ; {
		dropped, last, err := d.store.AuditEntries(ctx, d.kv, after, entriesAtOnce)
		if err != nil && ctx.Err() == nil {
			d.log.Error("audit of the indexes failed", "error", err)
		}
		for _, stray := range dropped {
			d.log.Error("index of the store had an entry of no record, dropped", "index", stray.Index, "grant", stray.Name)
		}
		after = last
		if err != nil || after == (store.Spot{}) || !wait(ctx, auditPause) {
			return
		}
	}
}

// wait reports false when ctx ends first.
func wait(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
