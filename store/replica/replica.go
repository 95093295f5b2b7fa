// Package replica is the store of a host that shares it with others: changes go
// to an Orderer, reads come from a copy on this host, which follows it.
//
// It promises that a change answered with nil stands in the order of all hosts
// and in the copy, that the copy never shows what was not ordered, and that it
// goes on answering while the orderer is away. A copy that cannot be brought up
// to date as it stands is made anew; one of another store is put aside.
package replica

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-hclog"

	"webex-tokend/store"
	"webex-tokend/store/boltkv"
)

// A Config says where the copy is and whom it follows. Path and Engine are
// needed; the Engine becomes the KV's.
type Config struct {
	Path   string // of the copy
	Engine Orderer
	Log    hclog.Logger
	// Progress is told how many rows the first copy has so far; nil means nobody.
	Progress func(rows int)
}

// A KV is safe for concurrent use.
type KV struct {
	engine Orderer
	copy   *boltkv.KV
	log    hclog.Logger
	store  string // of which it is a copy

	follow  func(was, is store.Row) // told of rows that other hosts wrote
	running sync.WaitGroup
	ended   context.Context
	end     context.CancelFunc

	mu       sync.Mutex
	applied  int64
	waiting  map[chan struct{}]int64 // closed when applied has reached it
	fault    error                   // why the copy does not follow; nil: it does
	heard    time.Time               // when it last did
	replaced chan struct{}
	gone     atomic.Bool
}

// A position says of which store a copy is and how far it has come.
type position struct {
	Store    string `json:"store"`
	Revision int64  `json:"revision"`
}

// Open returns once the copy can be read: at once where there is one, else when
// the first one is complete, for which etcd must be there. Where etcd holds no
// store, one is begun, unless this host has a copy of one.
func Open(ctx context.Context, cfg Config) (*KV, error) {
	k := &KV{engine: cfg.Engine, log: cfg.Log, waiting: make(map[chan struct{}]int64), replaced: make(chan struct{})}
	if k.log == nil {
		k.log = hclog.NewNullLogger()
	}
	file := boltkv.Config{Path: cfg.Path, Log: k.log}
	at, err := k.openCopy(ctx, file)
	if err != nil {
		return nil, err
	}
	if err := k.meet(ctx, &at, file); err != nil {
		return nil, errors.Join(err, k.copy.Close())
	}
	if at.Revision == 0 {
		if at.Revision, err = k.copyAll(ctx, cfg.Progress); err != nil {
			return nil, errors.Join(err, k.copy.Close())
		}
	}
	k.store, k.applied = at.Store, at.Revision
	k.ended, k.end = context.WithCancel(context.Background())
	k.running.Go(func() { k.run(k.ended) })
	return k, nil
}

func (k *KV) openCopy(ctx context.Context, file boltkv.Config) (at position, err error) {
	if k.copy, err = boltkv.Open(file); err != nil {
		return position{}, err
	}
	raw, err := k.copy.Position(ctx)
	if err == nil && raw != nil {
		err = json.Unmarshal(raw, &at)
	}
	if err != nil {
		return position{}, errors.Join(fmt.Errorf("read position of the copy: %w", err), k.copy.Close())
	}
	return at, nil
}

// meet compares the copy with what etcd holds, where it answers.
func (k *KV) meet(ctx context.Context, at *position, file boltkv.Config) error {
	id, err := k.engine.Identity(ctx)
	switch {
	case errors.Is(err, store.ErrVanished) && at.Revision != 0:
		return fmt.Errorf("%w, and this host has a copy of one: put it back by store migrate --to etcd --from %s, or move that file away", err, file.Path)
	case errors.Is(err, store.ErrVanished):
		if at.Store, err = k.engine.Create(ctx); err == nil {
			k.log.Info("created the store in etcd", "store", at.Store)
		}
		return err
	case at.Revision != 0 && (errors.Is(err, store.ErrAway) || errors.Is(err, store.ErrDenied) || errors.Is(err, store.ErrFull)):
		k.log.Warn("etcd cannot be used; serving from the copy", "error", err)
		return nil
	case err != nil:
		return err
	case at.Revision != 0 && at.Store != id:
		aside := file.Path + "." + time.Now().UTC().Format("20060102T150405Z")
		k.log.Warn("the copy is of another store than etcd holds; it is put aside", "path", aside)
		if err := errors.Join(k.copy.Close(), os.Rename(file.Path, aside)); err != nil {
			return fmt.Errorf("put copy aside: %w", err)
		}
		*at = position{}
		if k.copy, err = boltkv.Open(file); err != nil {
			return err
		}
	}
	at.Store = id
	k.store = id
	return nil
}

// run follows etcd until ctx ends, whatever comes between.
func (k *KV) run(ctx context.Context) {
	pause := 100 * time.Millisecond
	for ctx.Err() == nil {
		before := k.reached()
		err := k.engine.Watch(ctx, before, func(b store.Batch) error { return k.take(ctx, b) })
		switch {
		case ctx.Err() != nil:
			return
		case errors.Is(err, store.ErrOlder), errors.Is(err, store.ErrVanished), errors.Is(err, store.ErrReplaced):
			k.condemn(err)
			return
		case errors.Is(err, store.ErrCompacted):
			k.log.Warn("etcd has dropped what the copy lacks; making it anew")
			if err = k.anew(ctx); err == nil {
				continue
			}
		}
		k.lose(err)
		if k.reached() > before {
			pause = 100 * time.Millisecond
		}
		wait(ctx, pause)
		pause = min(2*pause, 3*time.Second)
	}
}

// anew brings the copy to what etcd holds now, with all that it lacks.
func (k *KV) anew(ctx context.Context) error {
	revision, err := k.copyAll(ctx, nil)
	if err == nil {
		k.reach(revision)
	}
	return err
}

// take brings one batch into the copy, and lets go whoever waits for it.
func (k *KV) take(ctx context.Context, b store.Batch) error {
	if b.Empty() {
		k.reach(b.Revision)
		return nil
	}
	type change struct{ was, is store.Row }
	var changes []change
	k.mu.Lock()
	follow := k.follow
	k.mu.Unlock()
	if follow != nil {
		for _, row := range b.Rows {
			if row.Writer == k.engine.Member() {
				continue
			}
			c := change{was: store.Row{Name: row.Name}, is: store.Row{Name: row.Name, Revision: row.Revision}}
			if was, err := k.copy.Get(ctx, row.Name); err == nil {
				c.was = was
			}
			if row.Write != nil {
				c.is.Value = row.Write.Value
			}
			changes = append(changes, c)
		}
	}
	if err := k.apply(ctx, b); err != nil {
		return err
	}
	k.reach(b.Revision)
	for _, c := range changes {
		follow(c.was, c.is)
	}
	return nil
}

func (k *KV) apply(ctx context.Context, b store.Batch) error {
	var at []byte
	if b.Revision != 0 {
		var err error
		if at, err = json.Marshal(position{k.store, b.Revision}); err != nil {
			return fmt.Errorf("encode position: %w", err)
		}
	}
	if err := k.copy.Apply(ctx, b, at); err != nil {
		return fmt.Errorf("write copy: %w", err)
	}
	return nil
}

// Follow has f told of each row that another host has written, as it was and as
// it is, once the copy has it; a value of nil says that there is none. It is to
// be called once, before anybody depends on being told.
func (k *KV) Follow(f func(was, is store.Row)) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.follow = f
}

func (k *KV) reached() int64 {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.applied
}

func (k *KV) reach(revision int64) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.fault, k.heard = nil, time.Now()
	k.applied = max(k.applied, revision)
	for waits, until := range k.waiting {
		if until <= k.applied {
			delete(k.waiting, waits)
			close(waits)
		}
	}
}

func (k *KV) lose(err error) {
	k.mu.Lock()
	known := k.fault != nil
	k.fault = err
	k.mu.Unlock()
	if !known {
		k.log.Error("the copy does not follow etcd; it is served as it is", "error", err)
	}
}

// Lag returns since when the copy has not followed, and why; zero and nil while
// it does.
func (k *KV) Lag() (since time.Time, why error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.fault == nil {
		return time.Time{}, nil
	}
	return k.heard, k.fault
}

// condemn ends the following for good: what etcd holds is not what it held.
func (k *KV) condemn(err error) {
	k.log.Error("what etcd holds is not what this host has seen of it; nothing is written any more", "error", err)
	k.gone.Store(true)
	k.lose(err)
	close(k.replaced)
}

func wait(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
