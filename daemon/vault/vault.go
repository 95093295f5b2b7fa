// Package vault is the store's life on this host: it opens the sealed store,
// notices that it is not the latest one, audits it, makes backups, rotates its
// keys, and saves what it can of a store file that was replaced.
//
// It promises that without its key nothing is created, that with another one
// nothing is changed, and that no refresh token of an older copy is trusted
// before somebody has looked at its grant. It knows no grant and no engine:
// what it needs of one is a Backend.
package vault

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/hashicorp/go-hclog"

	"webex-tokend/store"
	"webex-tokend/store/seal"
)

// A Backend is a storage engine, with what concerns the host it runs on.
type Backend interface {
	store.KV
	store.Auditor
	// Survey reads the structure of the whole store, slowly, and logs what is
	// damaged.
	Survey(ctx context.Context) error
	// Backup copies the store as it is at one instant into a new file of mode
	// 0600, which is whole or absent. It never replaces one.
	Backup(ctx context.Context, path string) error
	// Replaced is closed when the store that is open is no longer the one that
	// the next start will find. It can still be read and backed up.
	Replaced() <-chan struct{}
}

// A Config says where the store and its keys are. Folder, Store, KeyFile and
// Open are needed.
type Config struct {
	// Folder of this host's own files beside the store: anchor and backups.
	Folder string
	// Store is the path that messages call the store by.
	Store string
	// KeyFile returns the path of the key as configured at that moment.
	KeyFile func() string
	// Shared: other hosts have the same store.
	Shared bool
	// Renewed waits until every host seals by that key; nil: there is one host.
	Renewed func(ctx context.Context, key uint32) error
	// Open opens the engine. It is called once the key has been read.
	Open func() (Backend, error)
	// Log gets one line per event; nil means none.
	Log hclog.Logger
}

// A Vault is safe for concurrent use.
type Vault struct {
	cfg      Config
	log      hclog.Logger
	backend  Backend
	ring     *seal.Ring
	anchor   seal.Anchor
	store    *store.Store
	rotation rotation
}

// Open opens the sealed store. Without its key nothing is created; with another
// one, and where the store was never sealed, nothing is changed.
func Open(ctx context.Context, cfg Config) (*Vault, error) {
	v := &Vault{cfg: cfg, log: cfg.Log}
	if v.log == nil {
		v.log = hclog.NewNullLogger()
	}
	key, warning, err := seal.ReadKeyOf(cfg.Store, seal.LocateKey(cfg.KeyFile()))
	if err != nil {
		return nil, err
	}
	if warning != "" {
		v.log.Warn(warning)
	}
	if err := v.open(ctx, key); err != nil {
		return nil, fmt.Errorf("open store: %w", err)
	}
	return v, nil
}

func (v *Vault) open(ctx context.Context, key seal.Key) error {
	backend, err := v.cfg.Open()
	if err != nil {
		return err
	}
	v.ring, err = seal.Open(ctx, backend, key)
	if err == nil {
		v.store, err = store.Open(ctx, backend, store.Config{Seal: v.ring})
	}
	if err != nil {
		return errors.Join(err, backend.Close())
	}
	v.backend = backend
	if !v.cfg.Shared {
		v.tidy()
	}
	v.anchor = seal.Anchor{Ring: v.ring, Path: filepath.Join(v.cfg.Folder, "anchor"), Machine: seal.MachineID(), Shared: v.cfg.Shared}
	return nil
}

// Store is what the vault opened. Close of the vault closes it.
func (v *Vault) Store() *store.Store { return v.store }

// Follow brings what this host keeps beside a shared store up to what other hosts
// made of it: the anchor, and the keys.
func (v *Vault) Follow(ctx context.Context) error {
	return errors.Join(v.ring.Reload(ctx), v.anchor.Follow(ctx))
}

// Epoch names the key by which this process seals now.
func (v *Vault) Epoch() uint32 { return v.ring.Epoch() }

// Close closes the store.
func (v *Vault) Close() error { return v.store.Close() }

// Settle sees to it that no refresh token of an older copy is sent that may be
// used up: when the store is not the latest one, distrust marks such grants and
// returns how many. The doubt ends only when every one is marked, so that a
// crash on the way does not end it.
func (v *Vault) Settle(ctx context.Context, distrust func(context.Context) (marked int, err error)) error {
	doubt, err := v.anchor.Doubt(ctx)
	if err != nil {
		return err
	}
	if doubt != "" {
		marked, err := distrust(ctx)
		if err != nil {
			return err
		}
		v.log.Warn("the store is not the latest one of this host: "+doubt, "unverified", marked)
	}
	return v.anchor.Raise(ctx)
}
