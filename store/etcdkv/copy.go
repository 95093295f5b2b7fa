package etcdkv

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"go.etcd.io/etcd/api/v3/mvccpb"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"

	"webex-tokend/store"
)

// copiedAtOnce keys pass through memory at a time, some megabytes.
const copiedAtOnce = 1000

// Identity returns the name of the store below the prefix; store.ErrVanished where
// there is none, ErrMoving where a migration has not ended.
func (e *Engine) Identity(ctx context.Context) (string, error) {
	m, _, err := e.meta(ctx)
	if err != nil {
		return "", err
	}
	switch m.State {
	case complete:
	case left:
		return "", fmt.Errorf("%w, for a file on %s", ErrLeft, m.Host)
	default:
		return "", ErrMoving
	}
	return m.Store, nil
}

func (e *Engine) meta(ctx context.Context) (m meta, revision int64, err error) {
	err = e.again(ctx, func(ctx context.Context, c *clientv3.Client) error {
		resp, err := c.Get(ctx, e.cfg.Prefix+metaKey)
		if err != nil {
			return err
		}
		revision = resp.Header.Revision
		if len(resp.Kvs) == 0 {
			m = meta{}
			return nil
		}
		m, err = readMeta(resp.Kvs[0].Value)
		return err
	})
	if err == nil && m.Store == "" {
		err = store.ErrVanished
	}
	return m, revision, err
}

// Create makes a store below a prefix that has none, and returns its name. Where
// another host was faster, it is that one's.
func (e *Engine) Create(ctx context.Context) (string, error) {
	id := make([]byte, 16)
	rand.Read(id)
	fresh := meta{Format: format, Store: hex.EncodeToString(id), State: complete}
	err := e.ask(ctx, func(ctx context.Context, c *clientv3.Client) error {
		key := e.cfg.Prefix + metaKey
		_, err := c.Txn(ctx).If(clientv3.Compare(clientv3.CreateRevision(key), "=", 0)).Then(clientv3.OpPut(key, fresh.encode())).Commit()
		return err
	})
	if err != nil {
		return "", err
	}
	return e.Identity(ctx)
}

// Copy reads everything below the prefix as it is at one instant, whose revision
// it returns. The revisions of the batches are zero: the copy stands nowhere
// before it has all of them. store.ErrCompacted: etcd dropped that instant meanwhile,
// begin anew.
func (e *Engine) Copy(ctx context.Context, take func(store.Batch) error) (revision int64, err error) {
	if _, revision, err = e.meta(ctx); err != nil {
		return 0, err
	}
	for _, keys := range []string{rowKeys, intentKeys, blobKeys} {
		from := e.cfg.Prefix + keys
		end := clientv3.GetPrefixRangeEnd(from)
		for more := true; more; {
			var resp *clientv3.GetResponse
			err := e.again(ctx, func(ctx context.Context, c *clientv3.Client) (err error) {
				resp, err = c.Get(ctx, from, clientv3.WithRange(end), clientv3.WithLimit(copiedAtOnce), clientv3.WithRev(revision))
				if errors.Is(err, rpctypes.ErrCompacted) {
					return &Fault{e.cfg.Endpoints, store.ErrCompacted, "begin anew"}
				}
				return err
			})
			if err != nil {
				return 0, err
			}
			var b store.Batch
			for _, kv := range resp.Kvs {
				e.put(&b, kv)
			}
			if err := take(b); err != nil {
				return 0, err
			}
			if more = resp.More; more {
				from = string(resp.Kvs[len(resp.Kvs)-1].Key) + "\x00"
			}
		}
	}
	return revision, nil
}

// put brings a key that was written into a batch, unless it is none of those
// that are copied.
func (e *Engine) put(b *store.Batch, kv *mvccpb.KeyValue) {
	key := strings.TrimPrefix(string(kv.Key), e.cfg.Prefix)
	if name, ok := strings.CutPrefix(key, rowKeys); ok {
		w, writer := decodeRow(name, kv.Value)
		b.Rows = append(b.Rows, store.OrderedRow{Name: name, Revision: store.Revision(kv.ModRevision), Write: w, Writer: writer})
	} else if name, ok := strings.CutPrefix(key, intentKeys); ok {
		b.Intents = append(b.Intents, store.OrderedIntent{Name: name, Value: append([]byte{}, kv.Value...)})
	} else if name, ok := strings.CutPrefix(key, blobKeys); ok {
		b.Blobs = append(b.Blobs, store.OrderedBlob{Key: name, Revision: store.Revision(kv.ModRevision), Value: kv.Value})
	}
}

func (e *Engine) deleted(b *store.Batch, key string) {
	if name, ok := strings.CutPrefix(key, rowKeys); ok {
		b.Rows = append(b.Rows, store.OrderedRow{Name: name})
	} else if name, ok := strings.CutPrefix(key, intentKeys); ok {
		b.Intents = append(b.Intents, store.OrderedIntent{Name: name})
	}
}

// Watch hands on what changes after a revision, in its order, until ctx ends or
// etcd is away. It also returns store.ErrCompacted, store.ErrOlder, and store.ErrVanished when
// somebody removes the store while it watches.
func (e *Engine) Watch(ctx context.Context, after int64, take func(store.Batch) error) error {
	_, now, err := e.meta(ctx)
	if err != nil {
		return err
	}
	if now < after {
		return store.ErrOlder
	}
	c, err := e.conn(ctx)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(clientv3.WithRequireLeader(ctx))
	defer cancel()
	for resp := range c.Watch(ctx, e.cfg.Prefix, clientv3.WithPrefix(), clientv3.WithRev(after+1), clientv3.WithProgressNotify()) {
		switch err := resp.Err(); {
		case resp.CompactRevision != 0 || errors.Is(err, rpctypes.ErrCompacted):
			return store.ErrCompacted
		case errors.Is(err, rpctypes.ErrFutureRev):
			return store.ErrOlder
		case err != nil:
			return e.cfg.explain(err)
		}
		b := store.Batch{Revision: resp.Header.Revision}
		for _, event := range resp.Events {
			b.Revision = event.Kv.ModRevision
			key := strings.TrimPrefix(string(event.Kv.Key), e.cfg.Prefix)
			switch {
			case event.Type == mvccpb.DELETE && key == metaKey:
				return store.ErrVanished
			case event.Type == mvccpb.DELETE:
				e.deleted(&b, key)
			default:
				e.put(&b, event.Kv)
			}
		}
		if err := take(b); err != nil {
			return fmt.Errorf("take what etcd ordered: %w", err)
		}
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	return &Fault{e.cfg.Endpoints, store.ErrAway, "the watch ended"}
}
