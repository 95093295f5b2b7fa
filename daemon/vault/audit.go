package vault

import (
	"context"
	"time"

	"webex-tokend/daemon/duration"
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

// Audit runs until ctx ends. What it finds is repaired where the record says
// how; damaged is called with the name of each grant whose record does not open,
// long before it falls due. Records come before index entries: what they repair
// is no stray then.
func (v *Vault) Audit(ctx context.Context, damaged func(grant string)) {
	for {
		if err := v.backend.Survey(ctx); err != nil && ctx.Err() == nil {
			v.log.Error("survey of the store failed", "error", err)
		}
		v.auditRecords(ctx, damaged)
		v.auditEntries(ctx)
		if !duration.Wait(ctx, auditRest) {
			return
		}
	}
}

// auditRecords ends early at a page that cannot be read; the next round begins
// anew. A store of an older build has its grants in other places of the indexes,
// which is nothing to complain of one by one.
func (v *Vault) auditRecords(ctx context.Context, damaged func(grant string)) {
	aligned, err := v.store.Aligned(ctx)
	if err != nil {
		v.log.Error("version of the indexes not read", "error", err)
	}
	moved, complete := 0, true
	for after := ""; ; {
		found, err := v.store.Audit(ctx, v.backend, after, auditedAtOnce)
		if err != nil && ctx.Err() == nil {
			v.log.Error("audit of the store failed", "error", err)
		}
		complete = complete && err == nil
		moved += len(found.Repaired)
		for _, name := range found.Repaired {
			if aligned {
				v.log.Error("grant was not in the indexes of the store as its record says, repaired", "grant", name)
			}
		}
		for _, name := range found.Damaged {
			damaged(name)
		}
		if after = found.Last; after == "" {
			break
		}
		if !duration.Wait(ctx, auditPause) {
			return
		}
	}
	if aligned || !complete || ctx.Err() != nil {
		return
	}
	if err := v.store.NoteAligned(ctx); err != nil {
		v.log.Warn("indexes are in line and are looked at again after the next start", "error", err)
	}
	if moved > 0 {
		v.log.Info("indexes of the store brought in line with this version", "grants", moved)
	}
}

func (v *Vault) auditEntries(ctx context.Context) {
	for after := (store.Spot{}); ; {
		dropped, last, err := v.store.AuditEntries(ctx, v.backend, after, entriesAtOnce)
		if err != nil && ctx.Err() == nil {
			v.log.Error("audit of the indexes failed", "error", err)
		}
		for _, stray := range dropped {
			v.log.Error("index of the store had an entry of no record, dropped", "index", stray.Index, "grant", stray.Name)
		}
		after = last
		if err != nil || after == (store.Spot{}) || !duration.Wait(ctx, auditPause) {
			return
		}
	}
}
