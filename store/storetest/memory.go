package storetest

import (
	"bytes"
	"cmp"
	"context"
	"maps"
	"slices"
	"sync"

	"webex-tokend/store"
)

// Memory is a store.KV without a disk: the plainest thing that keeps the
// promises, to compare backends with, and for tests that want many commits
// and no fsync. Nothing survives it. The zero Memory is empty.
type Memory struct {
	mu       sync.Mutex
	sequence store.Revision
	rows     map[string]memoryRow
	entries  map[store.Index]map[place][]byte
	blobs    map[string]store.Blob
	closed   bool
}

type memoryRow struct {
	revision store.Revision
	value    []byte
	entries  []store.Entry
}

type place struct {
	group string
	rank  uint64
	name  string
}

func placeOf(e store.Entry) place { return place{e.Group, e.Rank, e.Name} }

// enter locks m; the caller unlocks it in any case.
func (m *Memory) enter(ctx context.Context) error {
	m.mu.Lock()
	switch {
	case m.closed:
		return store.ErrClosed
	case ctx.Err() != nil:
		return ctx.Err()
	}
	if m.rows == nil {
		m.rows = make(map[string]memoryRow)
		m.entries = make(map[store.Index]map[place][]byte)
		m.blobs = make(map[string]store.Blob)
		for _, index := range indexes() {
			m.entries[index] = make(map[place][]byte)
		}
	}
	return nil
}

func indexes() []store.Index {
	return []store.Index{store.DueIndex, store.AttentionIndex, store.OpenIndex, store.UnpublishedIndex}
}

// Get reads one row.
func (m *Memory) Get(ctx context.Context, name string) (store.Row, error) {
	err := m.enter(ctx)
	defer m.mu.Unlock()
	if err != nil {
		return store.Row{}, err
	}
	r, ok := m.rows[name]
	if !ok {
		return store.Row{}, store.ErrNotFound
	}
	return store.Row{Name: name, Revision: r.revision, Value: bytes.Clone(r.value)}, nil
}

// Swap applies a change.
func (m *Memory) Swap(ctx context.Context, c store.Change) (store.Revision, error) {
	err := m.enter(ctx)
	defer m.mu.Unlock()
	if err != nil {
		return 0, err
	}
	old, exists := m.rows[c.Name]
	if !expected(c.Expect, exists, old.revision) {
		return 0, store.ErrConflict
	}
	own := place{name: c.Name}
	for _, mark := range c.Marks {
		value, stands := m.entries[mark.Index][own]
		if mark.Vacant && stands || mark.If != nil && (!stands || !bytes.Equal(value, mark.If)) {
			return 0, store.ErrConflict
		}
	}
	if c.Write != nil || c.Delete {
		for _, e := range old.entries {
			delete(m.entries[e.Index], placeOf(e))
		}
		delete(m.rows, c.Name)
	}
	if c.Delete {
		delete(m.entries[store.OpenIndex], own)
		delete(m.entries[store.UnpublishedIndex], own)
	}
	if c.Write != nil {
		m.sequence++
		m.rows[c.Name] = memoryRow{m.sequence, bytes.Clone(c.Write.Value), slices.Clone(c.Write.Entries)}
		for _, e := range c.Write.Entries {
			m.entries[e.Index][placeOf(e)] = bytes.Clone(e.Value)
		}
	}
	for _, mark := range c.Marks {
		if mark.Value == nil {
			delete(m.entries[mark.Index], own)
		} else {
			m.entries[mark.Index][own] = bytes.Clone(mark.Value)
		}
	}
	return m.rows[c.Name].revision, nil
}

func expected(expect store.Revision, exists bool, revision store.Revision) bool {
	return expect == store.Any || expect == store.Absent && !exists || exists && expect == revision
}

// Mark reads one mark.
func (m *Memory) Mark(ctx context.Context, index store.Index, name string) ([]byte, error) {
	err := m.enter(ctx)
	defer m.mu.Unlock()
	if err != nil {
		return nil, err
	}
	value, stands := m.entries[index][place{name: name}]
	if !stands {
		return nil, store.ErrNotFound
	}
	return append([]byte{}, value...), nil
}

// Range sorts all there is: it is made for hundreds of grants.
func (m *Memory) Range(ctx context.Context, q store.Query) ([]store.Entry, error) {
	err := m.enter(ctx)
	defer m.mu.Unlock()
	if err != nil {
		return nil, err
	}
	var list []store.Entry
	for p, value := range m.entries[q.Index] {
		behind := p.rank > q.After.Rank || p.rank == q.After.Rank && p.name > q.After.Name
		if p.group == q.Group && behind && (q.Below == 0 || p.rank < q.Below) {
			list = append(list, store.Entry{Index: q.Index, Group: p.group, Rank: p.rank, Name: p.name, Value: bytes.Clone(value)})
		}
	}
	slices.SortFunc(list, func(a, b store.Entry) int {
		return cmp.Or(cmp.Compare(a.Rank, b.Rank), cmp.Compare(a.Name, b.Name))
	})
	return list[:bound(len(list), q.Limit)], nil
}

func bound(have, limit int) int {
	if limit <= 0 {
		limit = 1000
	}
	return min(have, limit)
}

// Count is complete from the beginning.
func (m *Memory) Count(ctx context.Context, index store.Index, group string) (n int, complete bool, err error) {
	err = m.enter(ctx)
	defer m.mu.Unlock()
	for p := range m.entries[index] {
		if err == nil && p.group == group {
			n++
		}
	}
	return n, err == nil, err
}

// Groups is complete from the beginning.
func (m *Memory) Groups(ctx context.Context, index store.Index) (groups []string, complete bool, err error) {
	err = m.enter(ctx)
	defer m.mu.Unlock()
	if err != nil {
		return nil, false, err
	}
	found := make(map[string]bool)
	for p := range m.entries[index] {
		found[p.group] = true
	}
	return slices.Sorted(maps.Keys(found)), true, nil
}

// List returns rows in the order of their names.
func (m *Memory) List(ctx context.Context, after string, limit int) ([]store.Row, error) {
	err := m.enter(ctx)
	defer m.mu.Unlock()
	if err != nil {
		return nil, err
	}
	var list []store.Row
	for _, name := range slices.Sorted(maps.Keys(m.rows)) {
		if name > after {
			r := m.rows[name]
			list = append(list, store.Row{Name: name, Revision: r.revision, Value: bytes.Clone(r.value)})
		}
	}
	return list[:bound(len(list), limit)], nil
}

// Blob reads one blob.
func (m *Memory) Blob(ctx context.Context, key string) (store.Blob, error) {
	err := m.enter(ctx)
	defer m.mu.Unlock()
	if err != nil {
		return store.Blob{}, err
	}
	b, ok := m.blobs[key]
	if !ok {
		return store.Blob{}, store.ErrNotFound
	}
	return store.Blob{Revision: b.Revision, Value: bytes.Clone(b.Value)}, nil
}

// SwapBlob writes a blob.
func (m *Memory) SwapBlob(ctx context.Context, key string, expect store.Revision, value []byte) (store.Revision, error) {
	err := m.enter(ctx)
	defer m.mu.Unlock()
	if err != nil {
		return 0, err
	}
	old, exists := m.blobs[key]
	if !expected(expect, exists, old.Revision) {
		return 0, store.ErrConflict
	}
	m.sequence++
	m.blobs[key] = store.Blob{Revision: m.sequence, Value: bytes.Clone(value)}
	return m.sequence, nil
}

// Close ends it.
func (m *Memory) Close() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.closed = true
	return nil
}
