package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"webex-tokend/daemon"
	"webex-tokend/daemon/config"
	"webex-tokend/daemon/configfile"
	"webex-tokend/daemon/vault"
	"webex-tokend/store"
	"webex-tokend/store/boltkv"
	"webex-tokend/store/etcdkv"
	"webex-tokend/store/seal"
)

func newStoreMigrate(c *console) *cobra.Command {
	var to, from string
	cmd := &cobra.Command{
		Use:   "migrate --to etcd|bbolt [--from FILE] [--config FILE]",
		Short: "Move the store into etcd, or back into a file",
		Long: `Move the store of this host into the etcd cluster of the configuration, or from
there into a file of this host. Both ways run with the configuration that names
etcd, and while no daemon uses the store. Everything is read back before it counts;
what is interrupted is run again.

With --from, put a backup or a copy into etcd: that is how a store is restored which
hosts share. The prefix must hold none.`,
		Example: `  webex-tokend store migrate --to etcd
  webex-tokend store migrate --to etcd --from /var/lib/webex-tokend/backups/store-20261122T031500Z.db
  webex-tokend store migrate --to bbolt`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if to != "etcd" && to != "bbolt" || to == "bbolt" && from != "" {
				return usage(cmd, "store migrate takes --to etcd, --to etcd --from FILE, or --to bbolt")
			}
			cfg, err := c.loadConfig(configfile.Options{})
			if err != nil {
				return err
			}
			if cfg.Seal.Shared == nil {
				return &failure{exitUsage, errors.New("the configuration names no etcd"), "write store { engine = \"etcd\" ... }, for both ways; see webex-tokend.hcl(5)"}
			}
			engine, err := etcdkv.Open(daemon.EtcdConfig(cfg.Seal.Shared, nil))
			if err != nil {
				return explainFile(err)
			}
			defer engine.Close()
			if to == "etcd" {
				err = c.moveToEtcd(cmd.Context(), cfg, engine, from)
			} else {
				err = c.moveToFile(cmd.Context(), cfg, engine)
			}
			return explainMigration(err)
		},
	}
	cmd.Flags().StringVar(&to, "to", "", "etcd or bbolt")
	cmd.Flags().StringVar(&from, "from", "", "a backup or a copy, instead of the store of this host")
	return cmd
}

// A storeFile is read whole.
type storeFile interface {
	store.KV
	Blobs(ctx context.Context) ([]string, error)
}

func (c *console) moveToEtcd(ctx context.Context, cfg *config.Config, engine *etcdkv.Engine, from string) error {
	path, file := filepath.Join(cfg.StateDir, "store.db"), storeFile(nil)
	var own *boltkv.KV
	var err error
	if from != "" {
		path = from
		file, err = boltkv.View(path)
	} else if _, err = os.Lstat(path); err == nil {
		// Open for writing takes the lock, which a daemon would hold.
		own, err = boltkv.Open(boltkv.Config{Path: path})
		file = own
	}
	if err != nil {
		return err
	}
	defer file.Close()
	kept, err := unlock(ctx, cfg, path, file)
	if err != nil {
		return err
	}
	if to, err := vault.MovedTo(ctx, file); err != nil || to != "" && own != nil {
		return cmp.Or(err, error(&vault.MovedError{Path: path, To: to}))
	}
	m, err := engine.Begin(ctx)
	if err != nil {
		return err
	}
	bar := newProgress(c.err)
	defer bar.end()
	written := 0
	for after, more := "", true; more; {
		rows, last, err := kept.Export(ctx, after, 1000)
		if err == nil {
			err = m.Put(ctx, rows)
		}
		if err != nil {
			return err
		}
		written += len(rows)
		bar.show(0, 0, "%s written", plural(written, "record"))
		after, more = last, last != ""
	}
	keys, err := file.Blobs(ctx)
	if err != nil {
		return err
	}
	for _, key := range keys {
		blob, err := file.Blob(ctx, key)
		if err == nil && !vault.IsMark(key) {
			err = m.PutBlob(ctx, key, blob.Value)
		}
		if err != nil {
			return err
		}
	}
	if err := m.Finish(ctx, func(read int) { bar.show(0, 0, "%d read back", read) }); err != nil {
		return err
	}
	if own != nil {
		// From here on no daemon takes the file for the store.
		if err := vault.MarkMoved(ctx, own, "etcd, below "+cfg.Seal.Shared.Prefix); err != nil {
			return err
		}
	}
	bar.end()
	fmt.Fprintf(c.out, "moved %s to etcd, below %s\n", plural(written, "record"), cfg.Seal.Shared.Prefix)
	return nil
}

// unlock opens a store file with the key of the configuration.
func unlock(ctx context.Context, cfg *config.Config, path string, kv store.KV) (*store.Store, error) {
	ring, err := ringOf(ctx, cfg, path, kv)
	if err != nil {
		return nil, err
	}
	return store.Open(ctx, kv, store.Config{Seal: ring})
}

// ringOf opens the keys of a store file with the key of the configuration.
func ringOf(ctx context.Context, cfg *config.Config, path string, kv store.KV) (*seal.Ring, error) {
	key, _, err := seal.ReadKeyOf(path, seal.LocateKey(cfg.Seal.KeyFile))
	if err != nil {
		return nil, err
	}
	return seal.Open(ctx, kv, key)
}

func (c *console) moveToFile(ctx context.Context, cfg *config.Config, engine *etcdkv.Engine) error {
	if _, err := engine.Identity(ctx); err != nil {
		return err
	}
	if err := engine.Alone(ctx); err != nil {
		return err
	}
	path := filepath.Join(cfg.StateDir, "store.db")
	fresh := path + ".moving"
	if err := os.Remove(fresh); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	kv, err := boltkv.Open(boltkv.Config{Path: fresh})
	if err != nil {
		return err
	}
	defer kv.Close()
	bar := newProgress(c.err)
	defer bar.end()
	written := 0
	write := func(b store.Batch) error {
		written += len(b.Rows)
		bar.show(0, 0, "%s written", plural(written, "record"))
		return kv.Apply(ctx, b, nil)
	}
	if _, err := engine.Copy(ctx, write); err != nil {
		return err
	}
	read := 0
	compare := func(b store.Batch) error {
		for _, row := range b.Rows {
			there, err := kv.Get(ctx, row.Name)
			if err != nil || string(there.Value) != string(row.Write.Value) {
				return fmt.Errorf("read back: the file holds something else of %s than was written (%w)", row.Name, err)
			}
		}
		read += len(b.Rows)
		bar.show(0, 0, "%s read back", plural(read, "record"))
		return nil
	}
	if _, err := engine.Copy(ctx, compare); err != nil {
		return err
	}
	if _, err := unlock(ctx, cfg, path, kv); err != nil {
		return err
	}
	if err := kv.Close(); err != nil {
		return err
	}
	if err := setAside(path); err != nil {
		return err
	}
	// etcd first: two stores that both count would be worse than none, and the
	// file is whole under its other name.
	if err := engine.Leave(ctx, cfg.Seal.Shared.Host); err != nil {
		return err
	}
	if err := errors.Join(os.Rename(fresh, path), giveToOwner(cfg.StateDir, path)); err != nil {
		return err
	}
	_ = os.Remove(fresh + ".lock")
	bar.end()
	fmt.Fprintf(c.out, "moved %s to %s\n", plural(written, "record"), path)
	return nil
}

// setAside renames a store file that has been moved before. Any other is in use,
// and not replaced.
func setAside(path string) error {
	kv, err := boltkv.View(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	to, err := vault.MovedTo(context.Background(), kv)
	kv.Close()
	if err != nil || to == "" {
		return &failure{exitFailed, fmt.Errorf("there is a store in %s", path), "move it away first"}
	}
	return os.Rename(path, path+".moved-"+time.Now().UTC().Format("20060102T150405Z"))
}

func explainMigration(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, etcdkv.ErrTaken):
		return &failure{exitFailed, err, "use it as it is, or choose another prefix"}
	case errors.Is(err, etcdkv.ErrOthers):
		return &failure{exitFailed, err, "stop the daemons on all hosts first; one that was killed is gone after 15 s"}
	case errors.Is(err, etcdkv.ErrLeft):
		return &failure{exitFailed, err, "it is there, and needs no configuration of etcd"}
	case errors.Is(err, fs.ErrNotExist):
		return &failure{exitFailed, err, "a new store needs no migration: the daemon begins one in etcd"}
	}
	return explainFile(err)
}
