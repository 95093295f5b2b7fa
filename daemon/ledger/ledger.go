// Package ledger remembers who was given the token of a grant last, so that an
// operator knows who breaks when the grant dies, and who still holds an old
// token. It lives in memory and is bounded: it forgets whom it has not seen
// for the longest time, and everybody at a restart. Who reads a token file is
// known to nobody.
package ledger

import (
	"cmp"
	"container/list"
	"slices"
	"sync"
	"time"
)

// Bounds: an entry takes about 300 bytes.
const (
	perGrant = 32
	inAll    = 8192
)

// A Reader is a consumer of a grant.
type Reader struct {
	UID  uint32
	Unit string // of systemd; empty: none
}

// A Reading is the last time that a Reader was given the token.
type Reading struct {
	Reader
	Generation uint64
	At         time.Time
}

// A Ledger is empty and ready as its zero value, and safe for concurrent use.
type Ledger struct {
	mu      sync.Mutex
	order   list.List // of *entry, the latest in front
	entries map[key]*list.Element
	grants  map[string][]*list.Element
}

type key struct {
	grant string
	Reader
}

type entry struct {
	key
	Reading
}

// Note enters a reading.
func (l *Ledger) Note(grant string, r Reading) {
	l.mu.Lock()
	defer l.mu.Unlock()
	k := key{grant, r.Reader}
	if e := l.entries[k]; e != nil {
		e.Value.(*entry).Reading = r
		l.order.MoveToFront(e)
		return
	}
	if l.entries == nil {
		l.entries = make(map[key]*list.Element)
		l.grants = make(map[string][]*list.Element)
	}
	if known := l.grants[grant]; len(known) >= perGrant {
		l.forget(slices.MinFunc(known, func(a, b *list.Element) int {
			return a.Value.(*entry).At.Compare(b.Value.(*entry).At)
		}))
	}
	if l.order.Len() >= inAll {
		l.forget(l.order.Back())
	}
	e := l.order.PushFront(&entry{k, r})
	l.entries[k] = e
	l.grants[grant] = append(l.grants[grant], e)
}

func (l *Ledger) forget(e *list.Element) {
	k := l.order.Remove(e).(*entry).key
	delete(l.entries, k)
	rest := slices.DeleteFunc(l.grants[k.grant], func(other *list.Element) bool { return other == e })
	if l.grants[k.grant] = rest; len(rest) == 0 {
		delete(l.grants, k.grant)
	}
}

// Of returns the readings of a grant, the latest first.
func (l *Ledger) Of(grant string) []Reading {
	l.mu.Lock()
	defer l.mu.Unlock()
	var readings []Reading
	for _, e := range l.grants[grant] {
		readings = append(readings, e.Value.(*entry).Reading)
	}
	slices.SortFunc(readings, func(a, b Reading) int {
		return cmp.Or(b.At.Compare(a.At), cmp.Compare(a.UID, b.UID), cmp.Compare(a.Unit, b.Unit))
	})
	return readings
}
