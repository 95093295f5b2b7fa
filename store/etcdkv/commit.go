package etcdkv

import (
	"context"
	"errors"
	"fmt"
	"sync"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	clientv3 "go.etcd.io/etcd/client/v3"

	"webex-tokend/store"
)

const (
	// flights is how many transactions are on their way at once: while some
	// wait for the disks of the cluster, the next ones gather.
	flights = 4
	// maxGroup changes share one transaction; etcd allows 128 operations, those
	// of the group and of its largest change together.
	maxGroup = 64
)

// A step is one change as a transaction: what must hold, what is then done.
type step struct {
	ctx    context.Context
	key    string // of row or blob, which no two steps of a group share
	when   []clientv3.Cmp
	then   []clientv3.Op
	office int64 // the office that when asks for; 0: none

	result store.Committed
	err    error
	done   chan struct{}
}

// Commit makes a change to a row and its intent. store.ErrConflict and
// store.ErrNoOffice say that it was not made; after any other error that is not
// known. The marks of store.UnpublishedIndex are none of its business: every
// copy has its own.
func (e *Engine) Commit(ctx context.Context, c store.Change) (store.Committed, error) {
	row, intent := e.cfg.Prefix+rowKeys+c.Name, e.cfg.Prefix+intentKeys+c.Name
	s := &step{ctx: ctx, key: row, when: expectation(row, c.Expect)}
	if c.Acting {
		if s.office = e.officeTaken.Load(); s.office == 0 {
			return store.Committed{}, store.ErrNoOffice
		}
		s.when = append(s.when, clientv3.Compare(clientv3.CreateRevision(e.cfg.Prefix+leadKey), "=", s.office))
	}
	marked := false
	for _, m := range c.Marks {
		if m.Index != store.OpenIndex {
			continue
		}
		marked = true
		if m.Vacant {
			s.when = append(s.when, clientv3.Compare(clientv3.CreateRevision(intent), "=", 0))
		}
		if m.If != nil {
			s.when = append(s.when, clientv3.Compare(clientv3.CreateRevision(intent), ">", 0), clientv3.Compare(clientv3.Value(intent), "=", string(m.If)))
		}
		if m.Gone != "" {
			s.when = append(s.when, clientv3.Compare(clientv3.CreateRevision(e.cfg.Prefix+memberKeys+m.Gone), "=", 0))
		}
		if m.Value == nil {
			s.then = append(s.then, clientv3.OpDelete(intent))
		} else {
			s.then = append(s.then, clientv3.OpPut(intent, string(m.Value)))
		}
	}
	switch {
	case c.Write != nil:
		s.then = append(s.then, clientv3.OpPut(row, encodeRow(c.Write, e.member)))
	case c.Delete:
		s.then = append(s.then, clientv3.OpDelete(row))
		if !marked {
			s.then = append(s.then, clientv3.OpDelete(intent))
		}
	default:
		s.then = append(s.then, clientv3.OpGet(row, clientv3.WithKeysOnly()))
	}
	return e.submit(s)
}

// CommitBlob makes a change to a blob.
func (e *Engine) CommitBlob(ctx context.Context, key string, expect store.Revision, value []byte) (store.Committed, error) {
	if key == "" {
		return store.Committed{}, errors.New("blob without a key")
	}
	blob := e.cfg.Prefix + blobKeys + key
	return e.submit(&step{ctx: ctx, key: blob, when: expectation(blob, expect), then: []clientv3.Op{clientv3.OpPut(blob, string(value))}})
}

func expectation(key string, expect store.Revision) []clientv3.Cmp {
	switch expect {
	case store.Any:
		return nil
	case store.Absent:
		return []clientv3.Cmp{clientv3.Compare(clientv3.CreateRevision(key), "=", 0)}
	}
	return []clientv3.Cmp{clientv3.Compare(clientv3.ModRevision(key), "=", int64(expect))}
}

func (e *Engine) submit(s *step) (store.Committed, error) {
	if err := s.ctx.Err(); err != nil {
		return store.Committed{}, err
	}
	s.done = make(chan struct{})
	if !e.queue.put(s) {
		return store.Committed{}, store.ErrClosed
	}
	select {
	case <-s.done:
		return s.result, s.err
	case <-s.ctx.Done():
		return store.Committed{}, fmt.Errorf("wait for etcd: %w", s.ctx.Err())
	}
}

// commit sends one group after the other until the engine is closed.
func (e *Engine) commit() {
	for {
		group, ok := e.queue.take()
		if !ok {
			return
		}
		e.send(group)
		e.queue.landed(group)
		for _, s := range group {
			close(s.done)
		}
	}
}

// send makes one transaction of a group. A single change needs no nesting.
func (e *Engine) send(group []*step) {
	lead := clientv3.OpGet(e.cfg.Prefix + leadKey)
	var resp *clientv3.TxnResponse
	err := e.ask(e.closed, func(ctx context.Context, c *clientv3.Client) (err error) {
		if len(group) == 1 {
			resp, err = c.Txn(ctx).If(group[0].when...).Then(group[0].then...).Else(lead).Commit()
			return err
		}
		ops := make([]clientv3.Op, len(group))
		for i, s := range group {
			ops[i] = clientv3.OpTxn(s.when, s.then, []clientv3.Op{lead})
		}
		resp, err = c.Txn(ctx).Then(ops...).Commit()
		return err
	})
	if errors.Is(err, context.Canceled) {
		err = store.ErrClosed
	}
	for i, s := range group {
		switch {
		case err != nil:
			s.err = err
		case len(group) == 1:
			s.read(resp.Succeeded, resp.Responses, resp.Header.Revision)
		default:
			inner := resp.Responses[i].GetResponseTxn()
			s.read(inner.Succeeded, inner.Responses, resp.Header.Revision)
		}
	}
}

// read takes what etcd answered to one step.
func (s *step) read(succeeded bool, answers []*pb.ResponseOp, at int64) {
	if !succeeded {
		s.err = store.ErrConflict
		if there := answers[0].GetResponseRange(); s.office != 0 && (len(there.Kvs) == 0 || there.Kvs[0].CreateRevision != s.office) {
			s.err = store.ErrNoOffice
		}
		return
	}
	for i, op := range s.then {
		switch {
		case op.IsPut():
			s.result.At = at
			if string(op.KeyBytes()) == s.key {
				s.result.Revision = store.Revision(at)
			}
		case op.IsDelete():
			if answers[i].GetResponseDeleteRange().Deleted > 0 {
				s.result.At = at
			}
		case op.IsGet():
			if found := answers[i].GetResponseRange().Kvs; len(found) > 0 {
				s.result.Revision = store.Revision(found[0].ModRevision)
			}
		}
	}
}

// A queue gathers steps while others are on their way.
type queue struct {
	mu      sync.Mutex
	some    sync.Cond
	waiting []*step
	flying  map[string]bool // keys that a transaction under way changes
	closed  bool
}

func newQueue() *queue {
	q := &queue{flying: make(map[string]bool)}
	q.some.L = &q.mu
	return q
}

func (q *queue) put(s *step) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return false
	}
	q.waiting = append(q.waiting, s)
	q.some.Signal()
	return true
}

// take waits for steps and returns up to maxGroup of them, of distinct keys, and
// none whose key is on its way: so changes of one grant keep their order.
func (q *queue) take() (group []*step, ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for {
		rest := q.waiting[:0:0]
		for _, s := range q.waiting {
			if len(group) < maxGroup && !q.flying[s.key] {
				q.flying[s.key] = true
				group = append(group, s)
			} else {
				rest = append(rest, s)
			}
		}
		q.waiting = rest
		if len(group) > 0 {
			return group, true
		}
		if q.closed && len(q.waiting) == 0 {
			return nil, false
		}
		q.some.Wait()
	}
}

func (q *queue) landed(group []*step) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, s := range group {
		delete(q.flying, s.key)
	}
	q.some.Broadcast()
}

func (q *queue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	q.some.Broadcast()
}
