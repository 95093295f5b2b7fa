package publish

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"webex-tokend/daemon/config"
	"webex-tokend/daemon/hook"
	"webex-tokend/daemon/refresh"
)

// hooksAtOnce bounds the programs that hooks run at one time, each of which may
// take as long as its timeout. They take no worker from the files; one that
// hangs takes a place from others until it is killed, and then waits longer and
// longer for its next.
const hooksAtOnce = 64

// target is what a hook is listed as.
func target(h config.Hook) string {
	if h.PIDFile != "" {
		return h.Signal + " " + h.PIDFile
	}
	return strings.Join(h.Command, " ")
}

func news(d *delivery, current refresh.Current) hook.News {
	n := hook.News{Grant: d.name, Generation: current.Generation, Token: current.Access}
	if len(d.files) > 0 {
		n.Path = d.files[0].Path
	}
	return n
}

// follow goes on after the files of a grant. It reports whether nothing is left
// to do, and when the next try is if one waits. The caller holds the mutex of the queue.
func (p *Publisher) follow(ctx context.Context, g *grant, d delivery) (done bool, next time.Time) {
	switch {
	case d.void:
		return d.removed, time.Time{}
	case d.unread != nil && g.news:
		g.hooks = unreadable(d, g.hooks)
		return false, nextTry(slices.Concat(d.outcomes, g.hooks))
	case d.unread != nil || d.expired || !d.complete():
		return false, nextTry(d.outcomes)
	case len(d.hooks) == 0:
		g.news, g.hooks = false, nil
		return true, time.Time{}
	case !g.news || g.telling:
		// Whether there is news shows with the events, and after a start with
		// the marks in the store. Before that a mark must not be cleared, or
		// hooks that a crash cut off would never run.
		return false, time.Time{}
	}
	var due []int
	done, now := true, time.Now()
	outcomes := make([]outcome, len(d.hooks))
	for i, h := range d.hooks {
		o := outcomeOf(g.hooks, target(h))
		outcomes[i] = o
		if o.carries(d.generation) {
			continue
		}
		done = false
		if d.fresh || !o.waits(now) {
			due = append(due, i)
		}
	}
	// Asked for meanwhile: perhaps for a token later than this one.
	g.news, g.hooks = !done || g.again, outcomes
	if len(due) == 0 || ctx.Err() != nil {
		return done, nextTry(outcomes)
	}
	g.telling = true
	p.queue.telling++
	p.telling.Go(func() { p.tell(ctx, d, g, due, outcomes) })
	return false, time.Time{}
}

// unreadable returns the outcomes of the hooks of a grant whose token cannot be read.
func unreadable(d delivery, known []outcome) []outcome {
	var outcomes []outcome
	for _, h := range d.hooks {
		outcomes = append(outcomes, outcomeOf(known, target(h)).failed(fmt.Errorf("read current token: %w", d.unread), time.Now()))
	}
	return outcomes
}

// tell runs the hooks that are due, one after the other. However that ends, the
// grant goes through the queue again: there its mark is cleared, the next try
// is arranged, or a token that came meanwhile is told.
func (p *Publisher) tell(ctx context.Context, d delivery, g *grant, due []int, known []outcome) {
	outcomes := slices.Clone(known)
	for _, i := range due {
		outcomes[i] = p.tellOne(ctx, d, d.hooks[i], outcomes[i])
	}
	p.queue.mu.Lock()
	defer p.queue.mu.Unlock()
	g.hooks, g.telling = outcomes, false
	p.queue.telling--
	p.queue.enter(d.name, g)
	p.queue.changed.Broadcast()
}

func (p *Publisher) tellOne(ctx context.Context, d delivery, h config.Hook, last outcome) outcome {
	select {
	case p.places <- struct{}{}:
	case <-ctx.Done():
		return last
	}
	err := p.cfg.Hook(ctx, h, d.news)
	<-p.places
	switch {
	case err != nil && ctx.Err() != nil:
		return last
	case err != nil:
		o := last.failed(err, time.Now())
		if o.worse(last) {
			p.cfg.Log.Warn("hook failed", "grant", d.name, "hook", o.target, "error", err)
		}
		return o
	case last.err != nil:
		p.cfg.Log.Info("hook is in order again", "grant", d.name, "hook", last.target)
	}
	return outcome{target: last.target, generation: d.generation}
}
