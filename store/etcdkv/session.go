package etcdkv

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"go.etcd.io/etcd/api/v3/mvccpb"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"

	"webex-tokend/store"
)

// A Session is the presence of this process among the hosts: a lease of etcd,
// and what hangs on it. It does nothing by itself; whoever holds it keeps it
// alive.
type Session struct {
	engine *Engine
	lease  clientv3.LeaseID
	office atomic.Int64 // 0: not in office
}

// ErrSessionEnded: the lease of a session has run out.
var ErrSessionEnded = errors.New("the session in etcd has ended")

// Join registers this process with what it says of itself. life is how long it
// stays registered after its last sign, in whole seconds.
func (e *Engine) Join(ctx context.Context, life time.Duration, about []byte) (*Session, error) {
	var s *Session
	err := e.ask(ctx, func(ctx context.Context, c *clientv3.Client) error {
		lease, err := c.Grant(ctx, int64(life/time.Second))
		if err != nil {
			return err
		}
		here, err := e.here()
		if err != nil {
			return err
		}
		_, err = c.Txn(ctx).Then(
			clientv3.OpPut(e.cfg.Prefix+memberKeys+e.member, string(about), clientv3.WithLease(lease.ID)),
			here,
		).Commit()
		if err != nil {
			return err
		}
		s = &Session{engine: e, lease: lease.ID}
		return nil
	})
	return s, err
}

// Keep gives the session its whole life again. ErrSessionEnded: it had none left.
func (s *Session) Keep(ctx context.Context) error {
	return s.engine.again(ctx, func(ctx context.Context, c *clientv3.Client) error {
		resp, err := c.KeepAliveOnce(ctx, s.lease)
		if errors.Is(err, rpctypes.ErrLeaseNotFound) || err == nil && resp.TTL <= 0 {
			return ErrSessionEnded
		}
		return err
	})
}

// Tell replaces what this process says of itself.
func (s *Session) Tell(ctx context.Context, about []byte) error {
	e := s.engine
	return e.again(ctx, func(ctx context.Context, c *clientv3.Client) error {
		here, err := e.here()
		if err != nil {
			return err
		}
		_, err = c.Txn(ctx).Then(clientv3.OpPut(e.cfg.Prefix+memberKeys+e.member, string(about), clientv3.WithLease(s.lease)), here).Commit()
		if errors.Is(err, rpctypes.ErrLeaseNotFound) {
			return ErrSessionEnded
		}
		return err
	})
}

// here notes that this host was here at this instant.
func (e *Engine) here() (clientv3.Op, error) {
	known, err := json.Marshal(host{Seen: time.Now().UTC().Truncate(time.Second)})
	if err != nil {
		return clientv3.Op{}, fmt.Errorf("encode host: %w", err)
	}
	return clientv3.OpPut(e.cfg.Prefix+hostKeys+e.cfg.Host, string(known)), nil
}

// TakeOffice reports whether this process is in office now; it is not where
// another one is. Changes that are Acting pass from then on.
func (s *Session) TakeOffice(ctx context.Context) (bool, error) {
	e := s.engine
	key := e.cfg.Prefix + leadKey
	var taken int64
	err := e.again(ctx, func(ctx context.Context, c *clientv3.Client) error {
		resp, err := c.Txn(ctx).If(clientv3.Compare(clientv3.CreateRevision(key), "=", 0)).
			Then(clientv3.OpPut(key, e.member, clientv3.WithLease(s.lease))).Else(clientv3.OpGet(key)).Commit()
		if errors.Is(err, rpctypes.ErrLeaseNotFound) {
			return ErrSessionEnded
		}
		if err != nil {
			return err
		}
		taken = 0
		if resp.Succeeded {
			taken = resp.Header.Revision
		} else if there := resp.Responses[0].GetResponseRange().Kvs; len(there) == 1 && string(there[0].Value) == e.member {
			// An answer to an earlier try was lost on its way.
			taken = there[0].CreateRevision
		}
		return nil
	})
	if err != nil || taken == 0 {
		return false, err
	}
	s.office.Store(taken)
	e.officeTaken.Store(taken)
	return true, nil
}

// Resign stops acting changes at once, and lets another host take the office.
func (s *Session) Resign(ctx context.Context) error {
	e := s.engine
	was := s.office.Swap(0)
	e.officeTaken.CompareAndSwap(was, 0)
	if was == 0 {
		return nil
	}
	key := e.cfg.Prefix + leadKey
	return e.ask(ctx, func(ctx context.Context, c *clientv3.Client) error {
		_, err := c.Txn(ctx).If(clientv3.Compare(clientv3.CreateRevision(key), "=", was)).Then(clientv3.OpDelete(key)).Commit()
		return err
	})
}

// Leave ends the session and all that hangs on it.
func (s *Session) Leave(ctx context.Context) error {
	s.engine.officeTaken.CompareAndSwap(s.office.Swap(0), 0)
	return s.engine.ask(ctx, func(ctx context.Context, c *clientv3.Client) error {
		_, err := c.Revoke(ctx, s.lease)
		if errors.Is(err, rpctypes.ErrLeaseNotFound) {
			return nil
		}
		return err
	})
}

type host struct {
	Seen time.Time `json:"seen"`
}

// A Presence lists the hosts as etcd has them at one instant.
type Presence struct {
	Lead      string            // member in office; empty: none
	LeadSince int64             // revision at which it took office
	Members   map[string][]byte // HOST/INCARNATION -> what it says of itself
	Hosts     map[string]time.Time
}

// Present reads who is there.
func (e *Engine) Present(ctx context.Context) (Presence, error) {
	var p Presence
	err := e.again(ctx, func(ctx context.Context, c *clientv3.Client) error {
		resp, err := c.Txn(ctx).Then(clientv3.OpGet(e.cfg.Prefix+leadKey),
			clientv3.OpGet(e.cfg.Prefix+memberKeys, clientv3.WithPrefix()),
			clientv3.OpGet(e.cfg.Prefix+hostKeys, clientv3.WithPrefix())).Commit()
		if err != nil {
			return err
		}
		p = Presence{Members: make(map[string][]byte), Hosts: make(map[string]time.Time)}
		for _, kv := range resp.Responses[0].GetResponseRange().Kvs {
			p.Lead, p.LeadSince = string(kv.Value), kv.CreateRevision
		}
		for _, kv := range resp.Responses[1].GetResponseRange().Kvs {
			p.Members[strings.TrimPrefix(string(kv.Key), e.cfg.Prefix+memberKeys)] = kv.Value
		}
		for _, kv := range resp.Responses[2].GetResponseRange().Kvs {
			var h host
			_ = json.Unmarshal(kv.Value, &h) // unread it was seen never
			p.Hosts[strings.TrimPrefix(string(kv.Key), e.cfg.Prefix+hostKeys)] = h.Seen
		}
		return nil
	})
	return p, err
}

// Forget drops a host from those that were here. It does not end its session.
func (e *Engine) Forget(ctx context.Context, host string) error {
	return e.ask(ctx, func(ctx context.Context, c *clientv3.Client) error {
		_, err := c.Delete(ctx, e.cfg.Prefix+hostKeys+host)
		return err
	})
}

// Wish asks the host in office for a refresh of a grant.
func (e *Engine) Wish(ctx context.Context, grant string, wish []byte) error {
	return e.ask(ctx, func(ctx context.Context, c *clientv3.Client) error {
		_, err := c.Put(ctx, e.cfg.Prefix+wishKeys+grant, string(wish))
		return err
	})
}

// Wishes hands on the wishes of other hosts, those that wait already and those
// that come, until ctx ends or etcd is away. Each is removed before it is handed
// on.
func (e *Engine) Wishes(ctx context.Context, take func(grant string, wish []byte)) error {
	from := e.cfg.Prefix + wishKeys
	var after int64
	serve := func(kv *mvccpb.KeyValue) error {
		err := e.ask(ctx, func(ctx context.Context, c *clientv3.Client) error {
			_, err := c.Delete(ctx, string(kv.Key))
			return err
		})
		if err == nil {
			take(strings.TrimPrefix(string(kv.Key), from), kv.Value)
		}
		return err
	}
	err := e.ask(ctx, func(ctx context.Context, c *clientv3.Client) error {
		resp, err := c.Get(ctx, from, clientv3.WithPrefix())
		if err != nil {
			return err
		}
		after = resp.Header.Revision
		for _, kv := range resp.Kvs {
			if err := serve(kv); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	c, err := e.conn(ctx)
	if err != nil {
		return err
	}
	for resp := range c.Watch(clientv3.WithRequireLeader(ctx), from, clientv3.WithPrefix(), clientv3.WithRev(after+1), clientv3.WithFilterDelete()) {
		if err := resp.Err(); err != nil {
			return e.cfg.explain(err)
		}
		for _, event := range resp.Events {
			if err := serve(event.Kv); err != nil {
				return err
			}
		}
	}
	return store.ErrAway
}
