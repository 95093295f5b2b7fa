package publish

import (
	"context"
	"io/fs"
	"os"
	"syscall"
	"time"
)

// A trace is by what a file is recognised as the one that we left. Whoever
// writes into it moves its time, whoever replaces it brings another inode.
type trace struct {
	inode   uint64
	changed int64 // ns since 1970
	size    int64
	mode    fs.FileMode
	owners  owners
}

func traceOf(info fs.FileInfo) trace {
	has := info.Sys().(*syscall.Stat_t)
	return trace{
		inode: has.Ino, changed: info.ModTime().UnixNano(), size: info.Size(),
		mode: info.Mode(), owners: owners{int(has.Uid), int(has.Gid)},
	}
}

// A beat is one file to look at.
type beat struct {
	grant string
	path  string
	left  trace
}

// patrol looks from time to time, until ctx ends, whether somebody else changed
// or deleted a file: programs that refresh by themselves write theirs back. A
// look at the attributes costs about a microsecond for each file, and unlike a
// watch it misses nothing and does not hear of our own writes.
func (p *Publisher) patrol(ctx context.Context) {
	tick := time.NewTicker(p.cfg.Look)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		for _, b := range p.beats() {
			info, err := os.Lstat(b.path)
			if ctx.Err() != nil {
				return
			}
			if err != nil || traceOf(info) != b.left {
				p.rewrite(b)
			}
		}
	}
}

// beats lists the files that we left in order and that nobody writes now.
func (p *Publisher) beats() []beat {
	p.queue.mu.Lock()
	defer p.queue.mu.Unlock()
	var beats []beat
	for name, g := range p.queue.grants {
		if g.running || g.waiting {
			continue
		}
		for _, o := range g.outcomes {
			if o.err == nil && o.left != (trace{}) {
				beats = append(beats, beat{name, o.target, o.left})
			}
		}
	}
	return beats
}

// rewrite asks for a file to be written anew, unless it was meanwhile.
func (p *Publisher) rewrite(b beat) {
	p.queue.mu.Lock()
	defer p.queue.mu.Unlock()
	g := p.queue.grants[b.grant]
	if g == nil || g.running || g.waiting || outcomeOf(g.outcomes, b.path).left != b.left {
		return
	}
	p.cfg.Log.Warn("token file was touched by somebody else and is put in order", "grant", b.grant, "path", b.path)
	p.queue.ask(b.grant, false)
}
