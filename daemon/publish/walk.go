package publish

import (
	"context"
	"time"
)

// page is how many names are listed at once, and how many may wait in the
// queue before the walk lists more: a walk over a million grants is held to
// the pace of the workers, and an event in between waits behind one page only.
const page = 256

// walk looks at all outputs, at first and after each Reconfigure, until ctx
// ends.
func (p *Publisher) walk(ctx context.Context) {
	for first := true; ctx.Err() == nil; first = false {
		exact, patterns := p.withOutputs()
		if first {
			p.expect(exact)
		}
		for _, name := range exact {
			p.look(name)
		}
		// Those known to be behind go before those that may be.
		p.each(ctx, p.cfg.Unpublished, p.publishMarked)
		if patterns {
			p.each(ctx, p.cfg.Registered, p.look)
		}
		p.endWalk()
		select {
		case <-p.reconfigured:
		case <-ctx.Done():
		}
	}
}

// expect names the grants that Declared waits for.
func (p *Publisher) expect(names []string) {
	p.queue.mu.Lock()
	defer p.queue.mu.Unlock()
	p.queue.untried = make(map[string]struct{}, len(names))
	for _, name := range names {
		p.queue.untried[name] = struct{}{}
	}
	p.queue.changed.Broadcast()
}

// endWalk ends it for those who wait for that, unless a Reconfigure since
// asks for another one.
func (p *Publisher) endWalk() {
	p.queue.mu.Lock()
	defer p.queue.mu.Unlock()
	if len(p.reconfigured) == 0 {
		p.queue.walking = false
		p.queue.changed.Broadcast()
	}
}

// look is Publish without a new token.
func (p *Publisher) look(name string) { p.ask(name, false) }

// withOutputs lists the exactly named grants that have outputs and says whether
// any pattern has files: hooks alone are no reason to look at each grant.
func (p *Publisher) withOutputs() (exact []string, patterns bool) {
	p.queue.mu.Lock()
	defer p.queue.mu.Unlock()
	for _, g := range p.queue.config.Grants {
		switch {
		case !g.HasOutputs():
		case g.Pattern():
			patterns = patterns || len(g.Files) > 0
		default:
			exact = append(exact, g.Name)
		}
	}
	return exact, patterns
}

// publishMarked enters a grant even when its outputs have left the
// configuration since it was marked: with none left to write, its mark is
// cleared. The files of one that was removed go. The mark of a grant that is not
// declared at all stays.
func (p *Publisher) publishMarked(name string) {
	p.queue.mu.Lock()
	defer p.queue.mu.Unlock()
	if _, ok := p.queue.config.Grant(name); ok {
		p.queue.ask(name, true)
		p.queue.grants[name].marked = true
	}
}

// each calls do with every name of a list, at the pace of the workers.
func (p *Publisher) each(ctx context.Context, list func(context.Context, string, int) ([]string, error), do func(string)) {
	wait, after := firstRetry, ""
	for ctx.Err() == nil {
		names, err := list(ctx, after, page)
		if err != nil {
			p.cfg.Log.Warn("list of grants to publish is not read, trying again", "error", err, "in", wait)
			select {
			case <-time.After(wait):
			case <-ctx.Done():
			}
			wait = min(2*wait, lastRetry)
			continue
		}
		if len(names) == 0 {
			return
		}
		for _, name := range names {
			do(name)
		}
		wait, after = firstRetry, names[len(names)-1]
		_ = p.wait(ctx, func(q *queue) bool { return len(q.waiting) < page })
	}
}
