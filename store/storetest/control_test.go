package storetest

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"webex-tokend/store"
)

// TestEveryBrokenPromiseIsNoticed runs the promises on backends with one fault
// each: at least one of them must fail.
func TestEveryBrokenPromiseIsNoticed(t *testing.T) {
	for fault, open := range map[string]func() store.KV{
		"it ignores what a change expects":            func() store.KV { return &faulty{change: expectAnything} },
		"it ignores what a mark expects":              func() store.KV { return &faulty{change: expectAnyMark} },
		"it ignores that a mark must be vacant":       func() store.KV { return &faulty{change: expectNoVacancy} },
		"it keeps the marks of a deleted row":         func() store.KV { return &keepsMarks{} },
		"it keeps the entries of the write before":    func() store.KV { return &keepsEntries{last: make(map[string][]store.Entry)} },
		"it begins revisions anew after a deletion":   func() store.KV { return &reusesRevisions{} },
		"it sets the marks of a change that it fails": func() store.KV { return &setsMarksFirst{} },
		"it gives out its own bytes":                  func() store.KV { return &sharesBytes{} },
		"it mixes groups that begin alike":            func() store.KV { return &mixesGroups{} },
		"it ends a range with the rank asked for":     func() store.KV { return &faulty{query: func(q *store.Query) { q.Below += min(q.Below, 1) }} },
		"it begins a range at the position":           func() store.KV { return &faulty{query: func(q *store.Query) { q.After.Name = cutLast(q.After.Name) }} },
		"it knows no limit":                           func() store.KV { return &faulty{query: func(q *store.Query) { q.Limit = 1 << 20 }} },
		"it never counts down":                        func() store.KV { return &countsUp{most: make(map[string]int)} },
		"it works after Close":                        func() store.KV { return &neverCloses{} },
	} {
		noticed := slices.ContainsFunc(promises(), func(p promise) bool { return breaks(t, p, open()) })
		if !noticed {
			t.Errorf("%s, and no promise fails", fault)
		}
	}
	for _, p := range promises() {
		if breaks(t, p, new(Memory)) {
			t.Errorf("without a fault %q fails", p.name)
		}
	}
}

// A recorder takes failures for itself.
type recorder struct {
	testing.TB
	failed atomic.Bool
}

func (r *recorder) Fatalf(string, ...any) { r.Fatal() }
func (r *recorder) Fatal(...any)          { r.failed.Store(true); runtime.Goexit() }
func (r *recorder) Errorf(string, ...any) { r.failed.Store(true) }

func breaks(t *testing.T, p promise, kv store.KV) bool {
	r := &recorder{TB: t}
	done := make(chan struct{})
	go func() {
		defer close(done)
		p.check(r, kv)
	}()
	<-done
	return r.failed.Load()
}

// faulty edits what it is asked before it does it.
type faulty struct {
	Memory
	change func(*store.Change)
	query  func(*store.Query)
}

func (f *faulty) Swap(ctx context.Context, c store.Change) (store.Revision, error) {
	if f.change != nil {
		f.change(&c)
	}
	return f.Memory.Swap(ctx, c)
}

func (f *faulty) Range(ctx context.Context, q store.Query) ([]store.Entry, error) {
	if f.query != nil {
		f.query(&q)
	}
	return f.Memory.Range(ctx, q)
}

func expectAnything(c *store.Change) { c.Expect = store.Any }

func expectAnyMark(c *store.Change) {
	c.Marks = slices.Clone(c.Marks)
	for i := range c.Marks {
		c.Marks[i].If = nil
	}
}

func expectNoVacancy(c *store.Change) {
	c.Marks = slices.Clone(c.Marks)
	for i := range c.Marks {
		c.Marks[i].Vacant = false
	}
}

func cutLast(s string) string { return s[:max(0, len(s)-1)] }

type keepsMarks struct{ Memory }

func (k *keepsMarks) Swap(ctx context.Context, c store.Change) (store.Revision, error) {
	marks, _ := k.Range(ctx, store.Query{Index: store.OpenIndex})
	revision, err := k.Memory.Swap(ctx, c)
	for _, m := range marks {
		if c.Delete && m.Name == c.Name && err == nil {
			k.Memory.Swap(ctx, store.Change{Name: c.Name, Expect: store.Any, Marks: []store.Mark{{Index: store.OpenIndex, Value: m.Value}}})
		}
	}
	return revision, err
}

type keepsEntries struct {
	Memory
	turn sync.Mutex
	last map[string][]store.Entry
}

func (k *keepsEntries) Swap(ctx context.Context, c store.Change) (store.Revision, error) {
	k.turn.Lock()
	defer k.turn.Unlock()
	if c.Write != nil && ctx.Err() == nil {
		own := c.Write.Entries
		c.Write = &store.Write{Value: c.Write.Value, Entries: append(slices.Clone(k.last[c.Name]), own...)}
		k.last[c.Name] = own
	}
	return k.Memory.Swap(ctx, c)
}

type reusesRevisions struct{ Memory }

func (k *reusesRevisions) Swap(ctx context.Context, c store.Change) (store.Revision, error) {
	revision, err := k.Memory.Swap(ctx, c)
	if c.Delete && err == nil {
		k.mu.Lock()
		defer k.mu.Unlock()
		k.sequence = 0
	}
	return revision, err
}

type setsMarksFirst struct{ Memory }

func (k *setsMarksFirst) Swap(ctx context.Context, c store.Change) (store.Revision, error) {
	for _, m := range c.Marks {
		k.Memory.Swap(ctx, store.Change{Name: c.Name, Expect: store.Any, Marks: []store.Mark{m}})
	}
	return k.Memory.Swap(ctx, c)
}

type sharesBytes struct{ Memory }

func (k *sharesBytes) Get(ctx context.Context, name string) (store.Row, error) {
	r, err := k.Memory.Get(ctx, name)
	k.mu.Lock()
	defer k.mu.Unlock()
	r.Value = k.rows[name].value
	return r, err
}

type mixesGroups struct{ Memory }

func (k *mixesGroups) Range(ctx context.Context, q store.Query) ([]store.Entry, error) {
	groups, _, err := k.Groups(ctx, q.Index)
	var list []store.Entry
	for _, group := range groups {
		if strings.HasPrefix(group, q.Group) {
			q := q
			q.Group = group
			some, _ := k.Memory.Range(ctx, q)
			list = append(list, some...)
		}
	}
	return list, err
}

type countsUp struct {
	Memory
	most map[string]int
}

func (k *countsUp) Count(ctx context.Context, index store.Index, group string) (int, bool, error) {
	n, complete, err := k.Memory.Count(ctx, index, group)
	key := fmt.Sprint(index, group)
	k.most[key] = max(k.most[key], n)
	return k.most[key], complete, err
}

type neverCloses struct{ Memory }

func (k *neverCloses) Close() error { return nil }
