package daemon

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"webex-tokend/daemon/config"
	"webex-tokend/daemon/refusal"
	"webex-tokend/daemon/state"
	"webex-tokend/daemon/vault"
	"webex-tokend/daemon/wire"
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
	file := boltkv.Config{Path: storePath(c), InFlight: mostInFlight(c), Log: log}
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
	to, err := vault.MovedTo(ctx, d.vault.Store())
	if err == nil && to != "" {
		err = &vault.MovedError{Path: file.Path, To: to}
	}
	if err != nil {
		return errors.Join(err, d.vault.Close())
	}
	if seal.LocateKey(c.Seal.KeyFile) != c.Seal.KeyFile {
		return nil // a credential of the service manager: its folder is not ours
	}
	if err := vault.Note(c.Seal.KeyFile, storePath(c)); err != nil {
		log.Debug("the store is not noted beside its key; key init does that as root", "error", err)
	}
	return nil
}

// mostInFlight is how many answers the endpoints of a configuration may have under
// way together. Those that share one are counted once, with the most of them.
func mostInFlight(c *config.Config) (n int) {
	most := make(map[string]int)
	for _, in := range c.Integrations {
		if in.TokenURL != "" {
			most[in.TokenURL] = max(most[in.TokenURL], in.Concurrency)
		}
	}
	for _, of := range most {
		n += of
	}
	return n
}

// A mover hands the store of a daemon over.
type mover struct{ d *daemon }

// move hands the store over to another place, and ends the daemon: what is under
// way is finished first. An answer that the store does not take cannot go along.
func (x mover) move(ctx context.Context, m wire.Move) error {
	d := x.d
	path := storePath(d.current.Load())
	switch held := d.fleet.Trust.Held(); {
	case d.cluster != nil:
		return &refusal.Error{Kind: refusal.Conflict, Detail: "hosts share the store: stop this one, or hand over first", Action: "webex-tokend hosts yield"}
	case m.Store != path:
		return &refusal.Error{Kind: refusal.Conflict, Detail: fmt.Sprintf("the store of this daemon is %s", path)}
	case len(held) > 0:
		return &refusal.Error{Kind: refusal.Conflict, Detail: "answers are not stored yet, of " + held[0] + " first", Action: state.DiskAction(d.current.Load())}
	}
	if err := d.vault.Move(ctx, m.To); err != nil {
		return err
	}
	select {
	case d.moved <- &vault.MovedError{Path: path, To: m.To}:
	default: // it ends already
	}
	return nil
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
