// Package disk bounds what a file system that does not answer can hold up: a
// frozen disk, a share whose server is gone, a mount in user space that hangs.
// The kernel ends no such call. So it is left behind, with the thread that it
// takes, and the folder gets no other until it has come back.
package disk

import (
	"errors"
	"sync"
	"time"
)

// ErrSilent: the file system does not answer. What was begun may still happen.
var ErrSilent = errors.New("file system does not answer")

const (
	// answersWithin is what a healthy file system takes, with much to spare.
	answersWithin = 5 * time.Second
	// suspectAfter is when a folder in which nothing ends is given no more than
	// suspectCalls at once, so that it does not take all who work.
	suspectAfter = time.Second
	suspectCalls = 8
	// Each call that is left behind keeps a thread: these are the most that one
	// mount, and all together, may keep. The unit allows 1,024.
	mostOfMount = 2
	mostOfAll   = 64
)

// Calls are those under way, by the folder that they are about. The zero value
// is ready; nil bounds nothing.
type Calls struct {
	mu     sync.Mutex
	places map[string]*place
	mounts map[string]int // left behind, by mount point
	left   int            // left behind, in all
}

// A place is a folder with calls under way.
type place struct {
	calls int       // under way, those left behind included
	left  int       // left behind
	since time.Time // when one ended last, or the first of these began
}

type result[T any] struct {
	value T
	err   error
}

// Do returns what call returns, or ErrSilent when that takes longer than 5 s,
// and at once while an earlier call about that folder, or two about its mount,
// have not come back. A call that is left behind goes on: it must touch nothing
// that the caller goes on to use.
func Do[T any](c *Calls, folder string, call func() (T, error)) (T, error) {
	if c == nil {
		return call()
	}
	var none T
	p, ok := c.begin(folder)
	if !ok {
		return none, ErrSilent
	}
	var mount string // set by leave; empty: the caller waits
	done := make(chan result[T], 1)
	go func() {
		value, err := call()
		done <- result[T]{value, err}
		c.end(folder, p, &mount)
	}()
	late := time.NewTimer(answersWithin)
	defer late.Stop()
	select {
	case r := <-done:
		return r.value, r.err
	case <-late.C:
	}
	at := mountOf(folder)
	c.mu.Lock()
	defer c.mu.Unlock()
	select {
	case r := <-done:
		return r.value, r.err
	default:
	}
	mount = at
	p.left++
	c.left++
	if c.mounts == nil {
		c.mounts = make(map[string]int)
	}
	c.mounts[mount]++
	return none, ErrSilent
}

// begin counts a call, or reports that it must not be made.
func (c *Calls) begin(folder string) (*place, bool) {
	now := time.Now()
	c.mu.Lock()
	defer c.mu.Unlock()
	p := c.places[folder]
	if p == nil {
		p = &place{since: now}
		if c.places == nil {
			c.places = make(map[string]*place)
		}
		c.places[folder] = p
	}
	if p.left > 0 || p.calls >= suspectCalls && now.Sub(p.since) > suspectAfter || c.left >= mostOfAll ||
		c.left > 0 && c.mounts[mountOf(folder)] >= mostOfMount {
		if p.calls == 0 {
			delete(c.places, folder)
		}
		return nil, false
	}
	p.calls++
	return p, true
}

func (c *Calls) end(folder string, p *place, mount *string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	p.calls--
	p.since = time.Now()
	if *mount != "" {
		p.left--
		c.left--
		if c.mounts[*mount]--; c.mounts[*mount] == 0 {
			delete(c.mounts, *mount)
		}
	}
	if p.calls == 0 {
		delete(c.places, folder)
	}
}
