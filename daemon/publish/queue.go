package publish

import (
	"context"
	"slices"
	"sync"
	"time"

	"webex-tokend/daemon/config"
	"webex-tokend/daemon/hook"
)

// A queue knows the configuration in force, which grants have outputs to bring
// up to date, and the state of the outputs of all that were tried. Its mutex
// guards all of it; methods of the queue itself expect that their caller holds
// it.
type queue struct {
	mu      sync.Mutex
	config  *config.Config
	grants  map[string]*grant
	members uint64   // grows whenever grants has another key or one less
	waiting []string // first in, first out; each name once

	work    *sync.Cond // signalled for each name that enters waiting
	changed *sync.Cond // broadcast whenever a condition of wait could hold

	running  int  // grants that somebody works on
	telling  int  // grants whose hooks run
	clearing int  // marks on their way into the store
	walking  bool // not all grants have been looked at under this configuration
	halted   bool

	// untried holds exactly named grants not tried since the start; nil until
	// they are known.
	untried map[string]struct{}
}

func newQueue(c *config.Config) *queue {
	q := &queue{config: c, grants: make(map[string]*grant), walking: true}
	q.work, q.changed = sync.NewCond(&q.mu), sync.NewCond(&q.mu)
	return q
}

// A grant is the entry of one with outputs: a few hundred bytes.
type grant struct {
	waiting bool // stands in the queue
	running bool // somebody works on it: never two writers of one grant
	again   bool // was asked for meanwhile
	fresh   bool // asked for, not merely retried: every output gets its try
	news    bool // of a token that the hooks have not been told of
	late    bool // of a token that no worker has begun to write
	telling bool // the hooks run
	marked  bool // the store notes that its outputs are behind

	generation uint64
	outcomes   []outcome // of files; replaced, never changed
	hooks      []outcome // likewise
	retry      *time.Timer
}

// A delivery is one worker's turn at one grant.
type delivery struct {
	name       string
	labels     map[string]string
	files      []config.File
	hooks      []config.Hook
	runtimeDir string
	fresh      bool
	marked     bool
	known      []outcome

	void       bool  // nothing can be published, so nothing is behind
	removed    bool  // and the files of a grant that was removed are gone
	unread     error // of the token
	expired    bool  // what the token is
	generation uint64
	outcomes   []outcome
	news       hook.News
}

// complete reports whether every file carries the generation.
func (d *delivery) complete() bool {
	return !slices.ContainsFunc(d.outcomes, func(o outcome) bool { return !o.carries(d.generation) })
}

// ask enters a grant, or notes that its worker must look again.
func (q *queue) ask(name string, news bool) {
	g := q.grants[name]
	if g == nil {
		g = &grant{}
		q.grants[name] = g
		q.members++
	}
	g.fresh = true
	g.news = g.news || news
	g.late = g.late || news
	q.enter(name, g)
}

func (q *queue) enter(name string, g *grant) {
	switch {
	case g.running:
		g.again = true
	case !g.waiting:
		g.waiting = true
		q.waiting = append(q.waiting, name)
		q.work.Signal()
	}
}

// quiet reports whether nobody works and nothing waits for a worker.
func (q *queue) quiet() bool { return q.running == 0 && len(q.waiting) == 0 }

// claim makes the caller the only one who works on the grant.
func (q *queue) claim(g *grant) {
	g.running = true
	q.running++
	if g.retry != nil {
		g.retry.Stop()
		g.retry = nil
	}
}

// take claims a grant out of turn, unless somebody works on it: then it returns
// nil.
func (q *queue) take(name string) *grant {
	g := q.grants[name]
	switch {
	case g == nil:
		g = &grant{}
		q.grants[name] = g
		q.members++
	case g.running:
		return nil
	case g.waiting:
		g.waiting = false
		q.waiting = slices.DeleteFunc(q.waiting, func(waiting string) bool { return waiting == name })
	}
	q.claim(g)
	return g
}

// release ends a claim.
func (q *queue) release(name string, g *grant) {
	g.running = false
	q.running--
	if g.again {
		g.again = false
		q.enter(name, g)
	}
	q.changed.Broadcast()
}

// forget drops a grant that nobody works on or asked for again.
func (q *queue) forget(name string, g *grant) {
	if g.running || g.waiting || g.telling {
		return
	}
	if g.retry != nil {
		g.retry.Stop()
	}
	delete(q.grants, name)
	q.members++
}

// next waits for a grant to work on; false means that it is time to stop.
func (p *Publisher) next() (delivery, bool) {
	p.queue.mu.Lock()
	defer p.queue.mu.Unlock()
	q := p.queue
	for len(q.waiting) == 0 && !q.halted {
		q.work.Wait()
	}
	if q.halted {
		return delivery{}, false
	}
	name := q.waiting[0]
	q.waiting[0] = ""
	q.waiting = q.waiting[1:]
	g := q.grants[name]
	g.waiting = false
	q.claim(g)
	d := delivery{name: name, runtimeDir: p.queue.config.RuntimeDir, fresh: g.fresh, marked: g.marked, known: g.outcomes}
	if block, ok := p.queue.config.Grant(name); ok {
		d.labels = block.Labels
	}
	d.files, d.hooks = p.outputs(name)
	g.fresh, g.late = false, false
	return d, true
}

// settle takes over what a delivery brought about, and lets hooks run until ctx
// ends. It reports whether the mark of the grant is to be cleared; then clear
// must be called.
func (p *Publisher) settle(ctx context.Context, d delivery) bool {
	p.report(d)
	p.queue.mu.Lock()
	defer p.queue.mu.Unlock()
	q := p.queue
	g := q.grants[d.name]
	g.generation, g.outcomes = d.generation, d.outcomes
	delete(q.untried, d.name)
	done, at := p.follow(ctx, g, d)
	q.release(d.name, g)
	if d.void || len(d.files)+len(d.hooks) == 0 {
		q.forget(d.name, g)
	}
	if done {
		q.clearing++
		return true
	}
	if !at.IsZero() && !g.waiting && !q.halted {
		g.retry = time.AfterFunc(time.Until(at), func() { p.retry(d.name, g) })
	}
	return false
}

// retry enters a grant for the sake of its failed outputs.
func (p *Publisher) retry(name string, g *grant) {
	p.queue.mu.Lock()
	defer p.queue.mu.Unlock()
	if p.queue.grants[name] == g {
		p.queue.enter(name, g)
	}
}

// halt sends the workers home.
func (p *Publisher) halt() {
	p.queue.mu.Lock()
	defer p.queue.mu.Unlock()
	p.queue.halted = true
	for _, g := range p.queue.grants {
		if g.retry != nil {
			g.retry.Stop()
		}
	}
	p.queue.work.Broadcast()
}

// wait blocks until the condition holds or ctx ends.
func (p *Publisher) wait(ctx context.Context, until func(*queue) bool) error {
	stop := context.AfterFunc(ctx, func() {
		p.queue.mu.Lock()
		defer p.queue.mu.Unlock()
		p.queue.changed.Broadcast()
	})
	defer stop()
	p.queue.mu.Lock()
	defer p.queue.mu.Unlock()
	for !until(p.queue) {
		if err := ctx.Err(); err != nil {
			return err
		}
		p.queue.changed.Wait()
	}
	return nil
}
