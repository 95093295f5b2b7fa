package boltkv

import (
	"bytes"
	"maps"
	"slices"
	"sync"

	"go.etcd.io/bbolt"

	"webex-tokend/store"
)

// A tally counts entries by index and group. It is filled by a walk through
// the indexes that the committer takes in between transactions; a change ahead
// of the walk will be counted when the walk comes there, one behind it is
// counted at once. Since one goroutine does both, the counts are exact.
type tally struct {
	// The walk has counted every index before the current one, and of that
	// one the keys up to and with last. Only the committer uses these.
	current int
	last    []byte
	stopped bool

	mu       sync.Mutex
	counts   map[store.Index]map[string]int
	complete bool
}

// A step is an entry that came or went.
type step struct {
	index store.Index
	key   []byte
	by    int
}

func newTally() *tally {
	t := new(tally)
	t.restart()
	return t
}

func (t *tally) restart() {
	t.current, t.last, t.stopped = 0, nil, false
	t.mu.Lock()
	defer t.mu.Unlock()
	t.counts, t.complete = make(map[store.Index]map[string]int), false
}

// giveUp leaves the counts incomplete until the next restart.
func (t *tally) giveUp() { t.stopped = true }

// counting reports whether there is something left to walk.
func (t *tally) counting() bool { return !t.stopped && t.current < len(indexes()) }

func (t *tally) add(steps []step) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, s := range steps {
		i := slices.Index(indexes(), s.index)
		if i < t.current || i == t.current && t.last != nil && bytes.Compare(s.key, t.last) <= 0 {
			t.change(s.index, string(groupOf(s.key)), s.by)
		}
	}
}

// change is called with mu held.
func (t *tally) change(index store.Index, group string, by int) {
	groups := t.counts[index]
	if groups == nil {
		groups = make(map[string]int)
		t.counts[index] = groups
	}
	groups[group] += by
	if groups[group] == 0 {
		delete(groups, group)
	}
}

// walk counts up to limit further keys, one by one while it reads and in sum
// when it is through: nobody who asks for a count waits for the disk.
func (t *tally) walk(tx *bbolt.Tx, limit int) {
	index := indexes()[t.current]
	c := tx.Bucket([]byte(index)).Cursor()
	key, _ := c.Seek(t.last)
	if t.last != nil && bytes.Equal(key, t.last) {
		key, _ = c.Next()
	}
	found := make(map[string]int)
	var last []byte
	for ; key != nil && limit > 0; limit-- {
		found[string(groupOf(key))]++
		last = key
		key, _ = c.Next()
	}

	t.mu.Lock()
	defer t.mu.Unlock()
	for group, n := range found {
		t.change(index, group, n)
	}
	t.last = bytes.Clone(last)
	if key == nil {
		t.current, t.last = t.current+1, nil
	}
	t.complete = t.current == len(indexes())
}

func (t *tally) count(index store.Index, group string) (n int, complete bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.counts[index][group], t.complete
}

func (t *tally) groups(index store.Index) (groups []string, complete bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Sorted(maps.Keys(t.counts[index])), t.complete
}
