package publish

import (
	"context"
	"errors"
	"fmt"
	"time"

	"webex-tokend/daemon/disk"
	"webex-tokend/daemon/refresh"
	"webex-tokend/daemon/refusal"
	"webex-tokend/store"
)

// deliver tries the outputs of one grant, except those that are in order and
// those that wait for their retry.
func (p *Publisher) deliver(ctx context.Context, d *delivery) {
	current, err := p.cfg.Current(ctx, d.name)
	why, refused := refusal.As(err)
	switch {
	case refused && why.Kind != refusal.Unavailable,
		err == nil && current.Access.Empty(),
		err != nil && len(d.files)+len(d.hooks) == 0:
		d.void = true
		// Of a grant that has a mark and no token only the removal is left: it was
		// stored, and then the process may have died before its files went.
		if d.marked && refused && why.State == store.Pending {
			err := p.removeFiles(d.files)
			if d.removed = err == nil; !d.removed {
				p.cfg.Log.Error("outputs of a removed grant stay", "grant", d.name, "error", err)
			}
		}
		return
	}
	d.unread, d.expired = err, expired(current, p.cfg.Now())
	d.news = news(d, current)
	d.generation = current.Generation
	d.outcomes = make([]outcome, len(d.files))
	now := time.Now()
	for i, f := range d.files {
		last := outcomeOf(d.known, f.Path)
		switch {
		case err != nil:
			d.outcomes[i] = last.failed(fmt.Errorf("read current token: %w", err), now)
		case !d.fresh && (last.waits(now) || last.carries(current.Generation)):
			d.outcomes[i] = last
		default:
			d.outcomes[i] = p.try(write{
				file: f, labels: d.labels, runtimeDir: d.runtimeDir, ids: &p.ids, folders: &p.folders,
				renewed: 0 < last.generation && last.generation < current.Generation,
			}, current, last)
		}
	}
}

// try brings one output up to date.
func (p *Publisher) try(w write, current refresh.Current, last outcome) outcome {
	var err error
	var left trace
	w.content, err = Render(w.file, w.labels, current)
	switch {
	case err != nil:
	case w.file.Format != "meta" && expired(current, p.cfg.Now()):
		// What stands there stays; the next refresh brings what is worth
		// writing, so that this is no failure either.
		if left, err = disk.Do(p.cfg.Disk, w.folder(), w.stands); err != nil || left == (trace{}) {
			if last.generation == current.Generation {
				last.generation = 0 // somebody else changed it
			}
			return outcome{target: last.target, generation: last.generation}
		}
	default:
		left, err = disk.Do(p.cfg.Disk, w.folder(), w.put)
	}
	if err != nil {
		return last.failed(err, time.Now())
	}
	return outcome{target: last.target, generation: current.Generation, left: left}
}

func expired(current refresh.Current, now time.Time) bool {
	return !current.ExpiresAt.IsZero() && !now.Before(current.ExpiresAt)
}

// clear clears the mark of a grant. When that fails, the mark costs no more
// than one look at the files after the next start.
func (p *Publisher) clear(ctx context.Context, d delivery) {
	err := p.cfg.Published(ctx, d.name, d.generation)
	// A conflict says that a newer generation is on its way here.
	if err != nil && !errors.Is(err, store.ErrConflict) {
		p.cfg.Log.Warn("published outputs stay marked as behind", "grant", d.name, "error", err)
	}
	p.queue.mu.Lock()
	defer p.queue.mu.Unlock()
	p.queue.clearing--
	p.queue.changed.Broadcast()
}

// report logs what changed: a failure when it is a new one, a recovery once.
func (p *Publisher) report(d delivery) {
	for _, o := range d.outcomes {
		switch last := outcomeOf(d.known, o.target); {
		case o.worse(last):
			p.cfg.Log.Warn("token file is not written", "grant", d.name, "path", o.target, "error", o.err)
		case o.err == nil && last.err != nil:
			p.cfg.Log.Info("token file is in order again", "grant", d.name, "path", o.target)
		}
	}
}
