package daemon

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"webex-tokend/daemon/config"
	"webex-tokend/daemon/vault"
	"webex-tokend/store"
	"webex-tokend/store/boltkv"
	"webex-tokend/store/seal"
)

func storePath(c *config.Config) string { return storeIn(c.StateDir) }

func storeIn(stateDir string) string { return filepath.Join(stateDir, "store.db") }

// mayOpen refuses a start that would make something where it must not: without a
// key, or where the store of this key is missing.
func mayOpen(c *config.Config, newStore bool) error {
	if _, _, err := seal.ReadKeyOf(storePath(c), seal.LocateKey(c.Seal.KeyFile)); err != nil {
		return err
	}
	if newStore || c.Seal.Shared != nil {
		return nil
	}
	return vault.Missed(c.Seal.KeyFile, storePath(c))
}

// openStore opens the sealed store of the configuration.
func (d *daemon) openStore(ctx context.Context, c *config.Config) (err error) {
	if c.Seal.Shared != nil {
		d.cluster = &cluster{d: d, began: time.Now().UTC(), seen: make(map[store.Nonce]time.Duration)}
		return d.cluster.open(ctx, c)
	}
	log := d.log.Named("store")
	file := boltkv.Config{Path: storePath(c), Log: log}
	d.vault, err = vault.Open(ctx, vault.Config{
		Folder:  c.StateDir,
		Store:   file.Path,
		KeyFile: func() string { return d.current.Load().Seal.KeyFile },
		Open:    func() (vault.Backend, error) { return boltkv.Open(file) },
		Log:     log,
	})
	if err != nil {
		return err
	}
	switch to, err := d.vault.Store().Blob(ctx, MovedBlob); {
	case err == nil:
		return errors.Join(&MovedError{file.Path, string(to.Value)}, d.vault.Close())
	case !errors.Is(err, store.ErrNotFound):
		return errors.Join(fmt.Errorf("open store: %w", err), d.vault.Close())
	}
	if seal.LocateKey(c.Seal.KeyFile) != c.Seal.KeyFile {
		return nil // a credential of the service manager: its folder is not ours
	}
	if err := vault.Note(c.Seal.KeyFile, storePath(c)); err != nil {
		log.Debug("the store is not noted beside its key; key init does that as root", "error", err)
	}
	return nil
}

// MovedBlob is in a store file that has been moved, and says where to.
const MovedBlob = "moved"

// A MovedError refuses a store file that is no longer the store: to refresh from
// it would use up tokens behind the back of the hosts that have it now.
type MovedError struct{ Path, To string }

func (e *MovedError) Error() string {
	return fmt.Sprintf("the store in %s was moved to %s", e.Path, e.To)
}

func (d *daemon) auditStore(ctx context.Context) {
	// Looking at a damaged record lets it be known and shown.
	d.vault.Audit(ctx, func(grant string) { _, _ = d.report.Grant(ctx, grant) })
}

// spool is on another file system than the store of a single host. Beside a shared
// one it outlives a reboot: nobody knows how long etcd is away.
func spool(c *config.Config) string {
	if c.Seal.Shared != nil {
		return filepath.Join(c.StateDir, "spool")
	}
	return filepath.Join(c.RuntimeDir, "spool")
}
