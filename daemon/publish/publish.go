// Package publish writes the current access token of each grant into the
// files that its block in the configuration names, and then runs its hooks.
//
// It promises that a reader finds the whole old or the whole new token, with
// the configured owner and mode, at every instant; that a file which already
// says what it should is not touched, and one that somebody else changed is
// written anew; that hooks run once the files hold the token that they tell of, at
// least once for each token that is not followed by another one at once; and
// that an output which fails is retried on its own and holds up no other. It
// publishes no expired token: what stands there stays. Grants without outputs
// cost it nothing.
package publish

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"

	"webex-tokend/daemon/config"
	"webex-tokend/daemon/disk"
	"webex-tokend/daemon/hook"
	"webex-tokend/daemon/refresh"
)

// A Config joins a Publisher to the grants. Config and the four funcs are
// required.
type Config struct {
	// Config is the configuration until Reconfigure brings another one.
	Config *config.Config

	// Current returns the token in force, even an expired one. A *refusal.Error
	// of a kind other than Unavailable means that there is nothing to publish.
	Current func(ctx context.Context, name string) (refresh.Current, error)
	// Published is told that all outputs of a grant carry that generation. It
	// may wait for a commit of the store.
	Published func(ctx context.Context, name string, generation uint64) error
	// Unpublished lists up to limit grants after that name whose outputs are
	// behind, in the order of their names.
	Unpublished func(ctx context.Context, after string, limit int) ([]string, error)
	// Registered lists up to limit grants of all after that name, in the order
	// of their names. It serves patterns after a boot: then the runtime folder
	// is empty although nothing is noted as unpublished.
	Registered func(ctx context.Context, after string, limit int) ([]string, error)

	// Disk bounds what a folder that does not answer holds up; nil means one of
	// the Publisher's own.
	Disk *disk.Calls
	// Workers bounds how many files are written at once, because each blocking
	// file call takes a thread; 0 means 16.
	Workers int
	// Hook runs one hook; nil means hook.Run.
	Hook func(context.Context, config.Hook, hook.News) error
	// Look is how often files are looked at, whether somebody else changed
	// them; 0 means 5 s.
	Look time.Duration
	// Now is the wall clock; nil means time.Now.
	Now func() time.Time
	Log hclog.Logger // nil is silent
}

// A Publisher owns the token files. All methods are safe for concurrent use.
type Publisher struct {
	cfg     Config
	ids     ids
	folders keptFolders
	queue   *queue

	reconfigured chan struct{} // holds one note that Run has not seen yet
	places       chan struct{} // one taken by each hook that runs
	telling      sync.WaitGroup
}

// New prepares a Publisher; nothing is written before Run.
func New(cfg Config) *Publisher {
	if cfg.Workers == 0 {
		cfg.Workers = 16
	}
	if cfg.Disk == nil {
		cfg.Disk = new(disk.Calls)
	}
	if cfg.Hook == nil {
		cfg.Hook = hook.Run
	}
	if cfg.Look == 0 {
		cfg.Look = 5 * time.Second
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Log == nil {
		cfg.Log = hclog.NewNullLogger()
	}
	p := &Publisher{
		cfg:          cfg,
		queue:        newQueue(cfg.Config),
		reconfigured: make(chan struct{}, 1),
		places:       make(chan struct{}, hooksAtOnce),
	}
	return p
}

// Run publishes until ctx ends, then finishes the writes that have begun, ends
// the hooks that still run and returns nil. What is not done keeps its mark in
// the store and is worked off after the next start. Run may be called once.
func (p *Publisher) Run(ctx context.Context) error {
	// Before any worker makes temporary files of its own.
	p.sweepLeftovers()

	stop := context.AfterFunc(ctx, p.halt)
	defer stop()

	// What has begun is finished: cut short, a delivery would count and be
	// logged as a failure that it is not.
	lasting := context.WithoutCancel(ctx)
	var workers, clearings sync.WaitGroup
	permits := make(chan struct{}, clearingsAtOnce)
	for range p.cfg.Workers {
		workers.Go(func() {
			for {
				d, ok := p.next()
				if !ok {
					return
				}
				p.deliver(lasting, &d)
				if !p.settle(ctx, d) {
					continue
				}
				permits <- struct{}{}
				clearings.Go(func() {
					defer func() { <-permits }()
					p.clear(lasting, d)
				})
			}
		})
	}
	var patrol sync.WaitGroup
	patrol.Go(func() { p.patrol(ctx) })
	p.walk(ctx)
	patrol.Wait()
	workers.Wait()
	p.folders.close()
	p.telling.Wait()
	clearings.Wait()
	return nil
}

// clearingsAtOnce bounds the goroutines that wait for the store to clear a
// mark: as many as one of its transactions takes. More would only queue there;
// fewer would leave its group commit half empty. The file workers are not held
// up by a commit unless all of these are.
const clearingsAtOnce = 512

// Publish says that a grant has a new token, and asks for its outputs to be
// brought up to date. It never blocks; asking twice before the first is begun
// is asking once.
func (p *Publisher) Publish(name string) { p.ask(name, true) }

// Restate says that a grant has another state, which its side files tell. It
// never blocks.
func (p *Publisher) Restate(name string) {
	p.queue.mu.Lock()
	grant, ok := p.queue.config.Grant(name)
	p.queue.mu.Unlock()
	if ok && slices.ContainsFunc(grant.Files, func(f config.File) bool { return f.Meta }) {
		p.ask(name, false)
	}
}

func (p *Publisher) ask(name string, news bool) {
	p.queue.mu.Lock()
	defer p.queue.mu.Unlock()
	if grant, ok := p.queue.config.Grant(name); ok && grant.HasOutputs() {
		p.queue.ask(name, news)
	}
}

// Reconfigure makes c the configuration and looks at all outputs anew. Files
// that are no longer named stay where they are.
func (p *Publisher) Reconfigure(c *config.Config) {
	p.queue.mu.Lock()
	defer p.queue.mu.Unlock()
	p.queue.config = c
	for name, g := range p.queue.grants {
		if files, hooks := p.outputs(name); len(files)+len(hooks) == 0 {
			p.queue.forget(name, g)
		}
	}
	p.queue.walking = true
	select {
	case p.reconfigured <- struct{}{}:
	default:
	}
}

// Declared waits until each exactly named grant was tried once after the
// start, with whatever success: consumers that start after the daemon expect
// their files then. Run must be under way.
func (p *Publisher) Declared(ctx context.Context) error {
	return p.wait(ctx, func(q *queue) bool { return q.untried != nil && len(q.untried) == 0 })
}

// Idle waits until nothing is queued, nothing is being written, no hook runs
// and every mark that can be cleared is. A failed output that waits for its
// next try does not count. Run must be under way.
func (p *Publisher) Idle(ctx context.Context) error {
	return p.wait(ctx, func(q *queue) bool {
		return q.quiet() && q.telling == 0 && q.clearing == 0 && !q.walking
	})
}

// outputs returns those of a grant. The caller holds the mutex of the queue.
func (p *Publisher) outputs(name string) ([]config.File, []config.Hook) {
	grant, ok := p.queue.config.Grant(name)
	if !ok {
		return nil, nil
	}
	return grant.FilesFor(name), grant.HooksFor(name)
}
