// Package etcdkv lets several hosts share one store in an etcd cluster: it
// orders their changes, hands them to the copies that each host keeps, and knows
// which hosts are there and which one is in office.
//
// It promises that a change is made whole or not at all and from the revision
// that its writer saw, that an intent is made only by the host in office and
// only where none is open, and that nothing ends an intent but its own nonce. It
// reads nothing for others: package replica does, from its copy.
//
// What it writes stands below one prefix, which no other program may write to;
// layout.go says how.
package etcdkv

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-hclog"
	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"
	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"

	"webex-tokend/store"
)

// A Config says where the cluster is. Endpoints, Prefix and Host are needed.
type Config struct {
	Endpoints []string // URLs
	Prefix    string   // ends with a slash
	Host      string   // name of this host, unique in the cluster, without a slash
	// CAFile verifies the servers, CertFile and KeyFile prove this host. They are
	// read again for each connection. Empty: the system's authorities, no proof.
	CAFile, CertFile, KeyFile string
	// Username and PasswordFile, which is read again when etcd refuses it.
	Username, PasswordFile string
	// Timeout bounds one question to etcd; 0 means 5 s.
	Timeout time.Duration
	// Log gets one line per event; nil means none.
	Log hclog.Logger
}

// An Engine is safe for concurrent use.
type Engine struct {
	cfg         Config
	log         hclog.Logger
	member      string // HOST/INCARNATION
	queue       *queue
	committing  sync.WaitGroup
	closed      context.Context
	close       context.CancelFunc
	dialing     chan struct{} // has room for whoever dials
	mu          sync.Mutex
	client      *clientv3.Client // nil: none yet, or closed
	password    string
	officeTaken atomic.Int64 // create revision of the key of the office; 0: not in office
}

// Open makes an Engine. It does not wait for etcd: what needs it says when it is
// away.
func Open(cfg Config) (*Engine, error) {
	if !strings.HasSuffix(cfg.Prefix, "/") || cfg.Host == "" || strings.Contains(cfg.Host, "/") || len(cfg.Endpoints) == 0 {
		return nil, errors.New("etcd needs endpoints, a prefix that ends with a slash, and a host without one")
	}
	incarnation := make([]byte, 8)
	rand.Read(incarnation)
	cfg.Timeout = cmp.Or(cfg.Timeout, 5*time.Second)
	e := &Engine{cfg: cfg, log: cfg.Log, member: cfg.Host + "/" + hex.EncodeToString(incarnation), queue: newQueue()}
	if e.log == nil {
		e.log = hclog.NewNullLogger()
	}
	e.closed, e.close = context.WithCancel(context.Background())
	e.dialing = make(chan struct{}, 1)
	// With a password the client is made by asking for a token.
	if _, err := e.conn(e.closed); err != nil && !isAway(err) {
		e.close()
		return nil, err
	}
	for range flights {
		e.committing.Go(e.commit)
	}
	return e, nil
}

// Member names this process among the hosts: HOST/INCARNATION.
func (e *Engine) Member() string { return e.member }

// Close answers what waits with store.ErrClosed and lets go of the connections.
func (e *Engine) Close() error {
	e.queue.close()
	e.close()
	e.committing.Wait()
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.client == nil {
		return nil
	}
	err := e.client.Close()
	e.client = nil
	if err != nil && !errors.Is(err, context.Canceled) {
		return fmt.Errorf("close etcd client: %w", err)
	}
	return nil
}

// isAway reports whether an error is of etcd, and no fault of what this host was
// configured with.
func isAway(err error) bool {
	return errors.Is(err, store.ErrAway) || errors.Is(err, store.ErrDenied) || errors.Is(err, store.ErrFull)
}

// conn returns the client in use, or makes one.
func (e *Engine) conn(ctx context.Context) (*clientv3.Client, error) {
	if c := e.inUse(); c != nil {
		return c, nil
	}
	select {
	case e.dialing <- struct{}{}:
		defer func() { <-e.dialing }()
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-e.closed.Done():
		return nil, store.ErrClosed
	}
	if c := e.inUse(); c != nil {
		return c, nil
	}
	return e.dial()
}

func (e *Engine) inUse() *clientv3.Client {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.client
}

// dial makes another client, and leaves the one before as it is.
func (e *Engine) dial() (*clientv3.Client, error) {
	secure, err := e.cfg.tls()
	if err != nil {
		return nil, err
	}
	password, err := e.cfg.password()
	if err != nil {
		return nil, err
	}
	client, err := clientv3.New(clientv3.Config{
		Context:     e.closed,
		Endpoints:   e.cfg.Endpoints,
		TLS:         secure,
		Username:    e.cfg.Username,
		Password:    password,
		DialTimeout: e.cfg.Timeout,
		// Only while something is asked: etcd closes idle connections that it hears
		// more of. The first question on one that is dead ends it in 5 s.
		DialKeepAliveTime:    10 * time.Second,
		DialKeepAliveTimeout: 5 * time.Second,
		MaxCallRecvMsgSize:   64 << 20,
		Logger:               zap.NewNop(),
		DialOptions: []grpc.DialOption{grpc.WithConnectParams(grpc.ConnectParams{
			Backoff:           backoff.Config{BaseDelay: 100 * time.Millisecond, Multiplier: 1.6, Jitter: 0.2, MaxDelay: 3 * time.Second},
			MinConnectTimeout: 2 * time.Second,
		})},
	})
	if err != nil {
		return nil, e.cfg.explain(err)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed.Err() != nil {
		_ = client.Close()
		return nil, store.ErrClosed
	}
	e.client, e.password = client, password
	return client, nil
}

// A question to etcd. It may be asked twice.
type question func(context.Context, *clientv3.Client) error

// tries is how many members are asked in turn what may be asked again: one that
// stands still answers nothing, and its connection lasts for 15 s.
const tries = 3

// again asks within the deadline of ask, and another member when one is late. It is
// for what does the same when it is done twice.
func (e *Engine) again(ctx context.Context, q question) error {
	for left := tries; ; left-- {
		late, cancel := context.WithTimeout(ctx, e.cfg.Timeout/tries)
		err := e.ask(late, q)
		silent := late.Err() != nil && ctx.Err() == nil
		cancel()
		switch {
		case err == nil || !silent:
			return err
		case left == 1:
			return &Fault{e.cfg.Endpoints, store.ErrAway, "no answer within " + e.cfg.Timeout.String()}
		}
	}
}

// ask runs one question within its deadline. A password that etcd refuses is
// read again, once, because somebody may have changed both.
func (e *Engine) ask(ctx context.Context, q question) error {
	for first := true; ; first = false {
		if err := ctx.Err(); err != nil {
			return err
		}
		c, err := e.conn(ctx)
		if err != nil {
			return err
		}
		bounded, cancel := context.WithTimeout(ctx, e.cfg.Timeout)
		err = q(clientv3.WithRequireLeader(bounded), c)
		cancel()
		if err == nil {
			return nil
		}
		if e.closed.Err() != nil {
			return store.ErrClosed
		}
		err = e.cfg.explain(err)
		if !first || !errors.Is(err, store.ErrDenied) || !e.renewed() {
			return err
		}
	}
}

// renewed takes up a password file that has changed.
func (e *Engine) renewed() bool {
	password, err := e.cfg.password()
	e.mu.Lock()
	old := e.client
	same := password == e.password
	e.mu.Unlock()
	if err != nil || same {
		return false
	}
	if _, err := e.dial(); err != nil {
		return false
	}
	if old != nil {
		_ = old.Close()
	}
	return true
}
