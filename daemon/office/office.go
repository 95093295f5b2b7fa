// Package office decides whether this host is the one that does what happens by
// itself. It promises that the work is told to end before another host can
// begin it, and that a host whose rules or ways are not fit leaves the office to
// others. It is no safety by itself: that is the intent of each refresh.
package office

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"

	"webex-tokend/daemon/boottime"
	"webex-tokend/daemon/duration"
)

// A Session is the presence of this process among the hosts.
// *etcdkv.Session is one.
type Session interface {
	// Keep gives it its whole life again.
	Keep(ctx context.Context) error
	// Tell replaces what this process says of itself.
	Tell(ctx context.Context, about []byte) error
	// TakeOffice reports whether this process is in office now.
	TakeOffice(ctx context.Context) (bool, error)
	// Resign leaves the office to others; what acts is refused from its call on.
	Resign(ctx context.Context) error
	// Leave ends the session.
	Leave(ctx context.Context) error
}

// A Config says what an Office works with. Join and Act are needed.
type Config struct {
	// Join registers this process for so long after its last sign.
	Join func(ctx context.Context, life time.Duration, about []byte) (Session, error)
	// About is what this process says of itself; nil: nothing.
	About func() []byte
	// Act does the work until its context ends, which it does at once when the
	// office is lost.
	Act func(ctx context.Context)
	// Unfit returns why this host is to leave the office to others; empty: it is
	// not. Nil: never.
	Unfit func() string
	// Boot is a clock that does not stand still; nil means boottime.Now.
	Boot func() time.Duration
	// Log gets one line per event; nil means none.
	Log hclog.Logger
}

// An Office is safe for concurrent use.
type Office struct {
	cfg Config
	log hclog.Logger

	mu       sync.Mutex
	until    time.Duration // by the boot clock: may act before
	in       bool
	end      context.CancelFunc // of the work
	acting   sync.WaitGroup
	notAgain time.Duration // by the boot clock: does not take office before
	reason   string        // why not; empty: no reason
}

// New returns an Office that does nothing until Run.
func New(cfg Config) *Office {
	o := &Office{cfg: cfg, log: cfg.Log}
	if o.log == nil {
		o.log = hclog.NewNullLogger()
	}
	if o.cfg.Boot == nil {
		o.cfg.Boot = boottime.Now
	}
	if o.cfg.About == nil {
		o.cfg.About = func() []byte { return nil }
	}
	if o.cfg.Unfit == nil {
		o.cfg.Unfit = func() string { return "" }
	}
	return o
}

// MayAct reports whether this host is in office, and its last sign recent enough
// that nobody else can be.
func (o *Office) MayAct() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.in && o.cfg.Boot() < o.until
}

// Yield leaves the office to others, and does not take it again for so long.
func (o *Office) Yield(reason string, forSoLong time.Duration) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.notAgain, o.reason = o.cfg.Boot()+forSoLong, reason
}

// errEnded asks for another session.
var errEnded = errors.New("the session has ended")

// Run takes part until ctx ends; then the work ends first, and the session last.
func (o *Office) Run(ctx context.Context) {
	for pause := time.Second; ctx.Err() == nil; pause = min(2*pause, 5*time.Second) {
		sent := o.cfg.Boot()
		s, err := o.cfg.Join(ctx, life, o.cfg.About())
		if err == nil {
			pause = time.Second
			err = o.attend(ctx, s, sent)
		}
		if ctx.Err() == nil {
			o.log.Warn("not among the hosts", "error", err)
			duration.Wait(ctx, pause)
		}
	}
}

// attend keeps one session, which was joined at that instant at the earliest.
func (o *Office) attend(ctx context.Context, s Session, sent time.Duration) error {
	o.mu.Lock()
	o.until = sent + acts
	o.mu.Unlock()
	defer o.leave(s)
	for {
		if now := o.cfg.Boot(); now-sent >= keep {
			err := s.Keep(ctx)
			if err == nil {
				// Counted from before the question: no answer can be older than that.
				sent = now
				o.mu.Lock()
				o.until = sent + acts
				o.mu.Unlock()
				err = s.Tell(ctx, o.cfg.About())
			}
			if err != nil && o.over() {
				return err
			}
		}
		if o.over() {
			return errEnded
		}
		if err := o.seek(ctx, s); err != nil {
			o.log.Debug("office not taken", "error", err)
		}
		if !duration.Wait(ctx, time.Second) {
			return ctx.Err()
		}
	}
}

// over reports that nothing keeps another host from being in office.
func (o *Office) over() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.cfg.Boot() >= o.until
}

// seek takes the office where it is free, and leaves it where somebody else is to
// have it.
func (o *Office) seek(ctx context.Context, s Session) error {
	why := o.unfit()
	o.mu.Lock()
	in := o.in
	o.mu.Unlock()
	switch {
	case in && why != "":
		o.log.Warn("leaving the office to another host", "reason", why)
		o.stop()
		return s.Resign(ctx)
	case in || why != "":
		return nil
	}
	taken, err := s.TakeOffice(ctx)
	if err != nil || !taken {
		return err
	}
	o.log.Info("in office")
	working, end := context.WithCancel(context.Background())
	o.mu.Lock()
	o.in, o.end = true, end
	o.mu.Unlock()
	o.acting.Go(func() { o.cfg.Act(working) })
	return nil
}

func (o *Office) unfit() string {
	o.mu.Lock()
	resting, reason := o.cfg.Boot() < o.notAgain, o.reason
	o.mu.Unlock()
	if resting {
		return reason
	}
	return o.cfg.Unfit()
}

// stop ends the work and waits for it. Nothing departs from its call on.
func (o *Office) stop() {
	o.mu.Lock()
	o.in = false
	end := o.end
	o.end = nil
	o.mu.Unlock()
	if end != nil {
		end()
	}
	o.acting.Wait()
}

// leave ends the work, then the session. Where etcd is away, the session ends by
// itself.
func (o *Office) leave(s Session) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	o.mu.Lock()
	was := o.in
	o.in = false
	o.mu.Unlock()
	if was {
		o.log.Warn("out of office")
	}
	o.stop()
	if err := s.Resign(ctx); err == nil {
		_ = s.Leave(ctx)
	}
}
