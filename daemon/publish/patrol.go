package publish

import (
	"context"
	"maps"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"webex-tokend/daemon/disk"
)

// A trace identifies a file as the one that we left. Whoever
// writes into it moves its time, whoever replaces it brings another inode.
type trace struct {
	inode   uint64
	changed int64 // ns since 1970
	size    int64
	mode    uint32 // type and permissions, as stat(2) has them
	owners  owners
}

func traceOf(has *syscall.Stat_t) trace {
	return trace{
		inode: has.Ino, changed: has.Mtim.Nano(), size: has.Size,
		mode: has.Mode, owners: owners{int(has.Uid), int(has.Gid)},
	}
}

// A beat is one file to look at.
type beat struct {
	grant string
	path  string
	left  trace
}

// slice is how many grants the patrol looks at between two looks at the queue: it
// must hold up nobody, however large the fleet is.
const slice = 256

// patrol looks from time to time, until ctx ends, whether somebody else changed
// or deleted a file: programs that refresh by themselves write theirs back. A
// look at the attributes costs about a microsecond for each file, and unlike a
// watch it misses nothing and does not hear of our own writes.
func (p *Publisher) patrol(ctx context.Context) {
	tick := time.NewTicker(p.cfg.Look)
	defer tick.Stop()
	var names []string
	var members uint64
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		names, members = p.members(names, members)
		for part := range slices.Chunk(names, slice) {
			for folder, beats := range p.beats(part) {
				p.walkBeat(folder, beats)
				if ctx.Err() != nil {
					return
				}
			}
		}
	}
}

// members lists the grants with outputs, anew only when they are others than
// those of the last time.
func (p *Publisher) members(names []string, known uint64) ([]string, uint64) {
	p.queue.mu.Lock()
	defer p.queue.mu.Unlock()
	if known == p.queue.members {
		return names, known
	}
	return slices.Collect(maps.Keys(p.queue.grants)), p.queue.members
}

// beats lists, by folder, the files of these grants that we left in order and
// that nobody writes now.
func (p *Publisher) beats(names []string) map[string][]beat {
	p.queue.mu.Lock()
	defer p.queue.mu.Unlock()
	beats := make(map[string][]beat)
	for _, name := range names {
		g := p.queue.grants[name]
		if g == nil || g.running || g.waiting {
			continue
		}
		for _, o := range g.outcomes {
			if o.err == nil && o.left != (trace{}) {
				folder := filepath.Dir(o.target)
				beats[folder] = append(beats[folder], beat{name, o.target, o.left})
			}
		}
	}
	return beats
}

// walkBeat looks at the files of a folder. One that does not answer shows when
// something is to be written there.
func (p *Publisher) walkBeat(folder string, beats []beat) {
	touched, _ := disk.Do(p.cfg.Disk, folder, func() (touched []beat, _ error) {
		for _, b := range beats {
			var has syscall.Stat_t
			if syscall.Lstat(b.path, &has) != nil || traceOf(&has) != b.left {
				touched = append(touched, b)
			}
		}
		return touched, nil
	})
	for _, b := range touched {
		p.rewrite(b)
	}
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
