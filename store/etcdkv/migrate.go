package etcdkv

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"

	clientv3 "go.etcd.io/etcd/client/v3"

	"webex-tokend/store"
)

// Errors of a migration.
var (
	// ErrTaken: there is a store below the prefix.
	ErrTaken = errors.New("there is a store below the prefix already")
	// ErrLeft: the store has moved from etcd into the file of a host.
	ErrLeft = errors.New("the store has left etcd")
	// ErrOthers: hosts still use the store.
	ErrOthers = errors.New("hosts still use the store in etcd")
)

const left = "left"

// A Migration brings a store into etcd. Begin, any number of Puts, then Finish;
// one that was interrupted is begun again from the start.
type Migration struct {
	engine *Engine
	meta   meta
	wrote  map[string][sha256.Size]byte
}

// Begin marks the prefix, so that no daemon takes what is there for a whole store.
func (e *Engine) Begin(ctx context.Context) (*Migration, error) {
	there, _, err := e.meta(ctx)
	switch {
	case errors.Is(err, store.ErrVanished):
		if err := e.mustBeEmpty(ctx); err != nil {
			return nil, err
		}
	case err != nil:
		return nil, err
	case there.State == complete:
		return nil, ErrTaken
	}
	id := make([]byte, 16)
	rand.Read(id)
	m := &Migration{engine: e, meta: meta{Format: format, Store: hex.EncodeToString(id), State: moving}, wrote: make(map[string][sha256.Size]byte)}
	// What an interrupted one has written goes first.
	return m, e.ask(ctx, func(ctx context.Context, c *clientv3.Client) error {
		ops := []clientv3.Op{clientv3.OpPut(e.cfg.Prefix+metaKey, m.meta.encode())}
		for _, keys := range []string{rowKeys, intentKeys, blobKeys} {
			ops = append(ops, clientv3.OpDelete(e.cfg.Prefix+keys, clientv3.WithPrefix()))
		}
		_, err := c.Txn(ctx).Then(ops...).Commit()
		return err
	})
}

func (e *Engine) mustBeEmpty(ctx context.Context) error {
	return e.ask(ctx, func(ctx context.Context, c *clientv3.Client) error {
		resp, err := c.Get(ctx, e.cfg.Prefix, clientv3.WithPrefix(), clientv3.WithLimit(1), clientv3.WithKeysOnly())
		if err == nil && len(resp.Kvs) > 0 {
			return ErrTaken
		}
		return err
	})
}

// putAtOnce keys share a transaction: less than etcd's limits of operations and
// of bytes.
const putAtOnce = 100

// Put writes rows with their open intents.
func (m *Migration) Put(ctx context.Context, rows []store.Change) error {
	keys := make(map[string]string)
	for _, c := range rows {
		keys[rowKeys+c.Name] = encodeRow(c.Write, "")
		for _, mark := range c.Marks {
			keys[intentKeys+c.Name] = string(mark.Value)
		}
	}
	return m.put(ctx, keys)
}

// PutBlob writes one blob.
func (m *Migration) PutBlob(ctx context.Context, key string, value []byte) error {
	return m.put(ctx, map[string]string{blobKeys + key: string(value)})
}

func (m *Migration) put(ctx context.Context, keys map[string]string) error {
	var ops []clientv3.Op
	flush := func() error {
		err := m.engine.ask(ctx, func(ctx context.Context, c *clientv3.Client) error {
			_, err := c.Txn(ctx).Then(ops...).Commit()
			return err
		})
		ops = nil
		return err
	}
	for key, value := range keys {
		m.wrote[key] = sha256.Sum256([]byte(value))
		if ops = append(ops, clientv3.OpPut(m.engine.cfg.Prefix+key, value)); len(ops) == putAtOnce {
			if err := flush(); err != nil {
				return err
			}
		}
	}
	if len(ops) == 0 {
		return nil
	}
	return flush()
}

// Finish reads everything back and then lets daemons take it for a store.
func (m *Migration) Finish(ctx context.Context, progress func(read int)) error {
	e, read := m.engine, 0
	for _, keys := range []string{rowKeys, intentKeys, blobKeys} {
		from := e.cfg.Prefix + keys
		end := clientv3.GetPrefixRangeEnd(from)
		for more := true; more; {
			var resp *clientv3.GetResponse
			err := e.ask(ctx, func(ctx context.Context, c *clientv3.Client) (err error) {
				resp, err = c.Get(ctx, from, clientv3.WithRange(end), clientv3.WithLimit(copiedAtOnce))
				return err
			})
			if err != nil {
				return fmt.Errorf("read back: %w", err)
			}
			for _, kv := range resp.Kvs {
				key := string(bytes.TrimPrefix(kv.Key, []byte(e.cfg.Prefix)))
				if sum, ok := m.wrote[key]; !ok || sum != sha256.Sum256(kv.Value) {
					return fmt.Errorf("read back: etcd holds something else under %s than was written", key)
				}
				delete(m.wrote, key)
				read++
			}
			progress(read)
			if more = resp.More; more {
				from = string(resp.Kvs[len(resp.Kvs)-1].Key) + "\x00"
			}
		}
	}
	if len(m.wrote) > 0 {
		return fmt.Errorf("read back: %d keys are not there", len(m.wrote))
	}
	m.meta.State = complete
	return e.ask(ctx, func(ctx context.Context, c *clientv3.Client) error {
		_, err := c.Put(ctx, e.cfg.Prefix+metaKey, m.meta.encode())
		return err
	})
}

// Alone returns ErrOthers while any daemon uses the store.
func (e *Engine) Alone(ctx context.Context) error {
	p, err := e.Present(ctx)
	if err == nil && len(p.Members) > 0 {
		return ErrOthers
	}
	return err
}

// Leave closes the store in etcd, which has moved into a file of a host: no daemon
// takes it up again.
func (e *Engine) Leave(ctx context.Context, host string) error {
	m, _, err := e.meta(ctx)
	if err != nil {
		return err
	}
	m.State, m.Host = left, host
	return e.ask(ctx, func(ctx context.Context, c *clientv3.Client) error {
		_, err := c.Put(ctx, e.cfg.Prefix+metaKey, m.encode())
		return err
	})
}
