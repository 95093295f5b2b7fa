package daemon

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"webex-tokend/daemon/config"
	"webex-tokend/store"
	"webex-tokend/store/boltkv"
	"webex-tokend/store/seal"
)

// openStore opens the sealed store. Without its key nothing is created; with
// another one nothing is changed. A store from before sealing is sealed first.
func (d *daemon) openStore(ctx context.Context, c *config.Config) error {
	file := boltkv.Config{Path: filepath.Join(c.StateDir, "store.db"), Log: d.log.Named("store")}
	key, warning, err := seal.ReadKeyOf(file.Path, seal.LocateKey(c.Seal.KeyFile))
	if err != nil {
		return err
	}
	if warning != "" {
		d.log.Warn(warning)
	}
	err = d.openSealed(ctx, file, key)
	if errors.Is(err, seal.ErrUnsealed) {
		d.log.Warn("the store is from before sealing; sealing it", "path", file.Path)
		file.Progress = func(done, of int64) {
			d.notify.starting(fmt.Sprintf("Sealing the store, %d of at most %d MiB.", done>>20, of>>20))
		}
		if err := seal.Migrate(file, key); err != nil {
			return err
		}
		err = d.openSealed(ctx, file, key)
	}
	if err != nil {
		return fmt.Errorf("open store: %w", err)
	}
	return nil
}

func (d *daemon) openSealed(ctx context.Context, file boltkv.Config, key seal.Key) error {
	kv, err := boltkv.Open(file)
	if err != nil {
		return err
	}
	ring, err := seal.Open(ctx, kv, key)
	if err == nil {
		d.store, err = store.Open(ctx, kv, store.Config{Seal: ring})
	}
	if err != nil {
		return errors.Join(err, kv.Close())
	}
	d.kv, d.ring = kv, ring
	d.anchor = seal.Anchor{Ring: ring, Path: filepath.Join(filepath.Dir(file.Path), "anchor"), Machine: seal.MachineID()}
	return nil
}

// settle sees to it that no refresh token of an older copy is sent that may be
// used up. The doubt is settled only when every such grant is marked, so that a
// crash on the way does not lift it.
func (d *daemon) settle(ctx context.Context) error {
	doubt, err := d.anchor.Doubt(ctx)
	if err != nil {
		return err
	}
	if doubt != "" {
		marked, err := d.keeper.Distrust(ctx, func(looked int) {
			d.notify.starting(fmt.Sprintf("Looking for grants that an older store must not refresh, %d so far.", looked))
		})
		if err != nil {
			return err
		}
		d.log.Warn("the store is not the latest one of this host: "+doubt, "unverified", marked)
	}
	return d.anchor.Raise(ctx)
}
