package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/spf13/cobra"

	"webex-tokend/daemon/config"
	"webex-tokend/daemon/configfile"
	"webex-tokend/daemon/vault"
	"webex-tokend/store"
	"webex-tokend/store/boltkv"
	"webex-tokend/store/seal"
)

func newRestore(c *console) *cobra.Command {
	return &cobra.Command{
		Use:   "restore FILE [--config FILE]",
		Short: "Put a backup where the store is to be",
		Long: `Put a backup into the state_dir of the configuration. A store that is there is
never replaced: stop the daemon and move it away first. The key must be one that
opens the backup. Records that are damaged in it come along and are counted.

A copy made by backup --move goes on where the old host ended, and is good for
one restore.

Of any other the daemon notices that it is an older copy. It goes on with the grants
whose refresh tokens stay the same; those that are replaced at each use, by the
configuration or as their integration has shown, become unverified, and nothing is
sent for them until somebody says adopt or imports them anew: a token that was used up
meanwhile, or on the host that still runs, would end the grant.`,
		Example: `  systemctl stop webex-tokend
  webex-tokend restore /media/usb/webex-tokend.db
  systemctl start webex-tokend`,
		Args:              oneFile,
		ValidArgsFunction: completeFile,
		RunE: func(cmd *cobra.Command, args []string) error {
			cfg, err := c.loadConfig(configfile.Options{})
			if err != nil {
				return err
			}
			return c.restore(cmd.Context(), cfg, args[0])
		},
	}
}

func (c *console) restore(ctx context.Context, cfg *config.Config, backup string) error {
	if cfg.Seal.Shared != nil {
		return &failure{exitFailed, errors.New("the store is in etcd"), "webex-tokend store migrate --to etcd --from " + backup}
	}
	path := filepath.Join(cfg.StateDir, "store.db")
	records, err := look(ctx, cfg, backup)
	if err != nil {
		return explainCopy(cfg, err)
	}
	defer records.Close()
	if err := os.MkdirAll(cfg.StateDir, 0o700); err != nil {
		return &failure{exitFailed, fmt.Errorf("make state_dir: %w", err), ""}
	}
	bar := newProgress(c.err)
	defer bar.end()
	err = boltkv.Restore(ctx, backup, boltkv.Config{Path: path, Progress: func(done, of int64) {
		bar.show(done, of, "%s of %s", mebibytes(done), mebibytes(of))
	}})
	bar.end()
	if errors.Is(err, fs.ErrExist) {
		return &failure{exitFailed, fmt.Errorf("there is a store in %s", path), "stop the daemon and move it away first"}
	}
	if err == nil {
		err = giveToOwner(cfg.StateDir, path, path+".lock")
	}
	if err != nil {
		return explainCopy(cfg, err)
	}
	to, err := vault.MovedTo(ctx, records)
	err = errors.Join(err, c.tellDamage(ctx, records), records.Close())
	if err == nil && to != "" {
		err = newMover(c, cfg).receive(ctx, backup)
	}
	if err != nil {
		return &failure{exitFailed, fmt.Errorf("receive the store: %w", err), "move " + path + " away and run it again"}
	}
	_, err = fmt.Fprintf(c.out, "restored %s\n", path)
	return err
}

// tellDamage names what is wrong with the records of a copy. They are put back
// all the same: the others are of use, and there may be no better copy.
func (c *console) tellDamage(ctx context.Context, records *store.Store) error {
	of, bad := 0, 0
	for page, err := range records.All(ctx, "", 1000) {
		if err != nil {
			return fmt.Errorf("read restored records: %w", err)
		}
		of, bad = of+page.Looked(), bad+len(page.Damaged)
	}
	if bad > 0 {
		fmt.Fprintf(c.err, "webex-tokend: of %s, %d damaged\n"+
			"  see which: webex-tokend store check; restore another copy, or import them anew\n", plural(of, "record"), bad)
	}
	return nil
}

// look opens a store file with the key of the configuration, in order to see
// that it opens.
func look(ctx context.Context, cfg *config.Config, path string) (*store.Store, error) {
	key, _, err := seal.ReadKeyOf(path, seal.LocateKey(cfg.Seal.KeyFile))
	if err != nil {
		return nil, err
	}
	kv, err := boltkv.View(path)
	if err != nil {
		return nil, err
	}
	ring, err := seal.Open(ctx, kv, key)
	var records *store.Store
	if err == nil {
		records, err = store.Open(ctx, kv, store.Config{Seal: ring})
	}
	if err != nil {
		return nil, errors.Join(err, kv.Close())
	}
	return records, nil
}

// giveToOwner gives files made by root to the user whose folder they are in.
func giveToOwner(folder string, files ...string) error {
	info, err := os.Stat(folder)
	if err != nil {
		return err
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok || os.Geteuid() != 0 {
		return nil
	}
	for _, path := range files {
		if err := os.Lchown(path, int(st.Uid), int(st.Gid)); err != nil {
			return err
		}
	}
	return nil
}

// explainCopy is explainFile for a backup.
func explainCopy(cfg *config.Config, err error) error {
	if unusable(err) {
		return &failure{exitFailed, err, "take another copy; the nightly ones are in " + filepath.Join(cfg.StateDir, "backups")}
	}
	return explainFile(err)
}

// explainFile keeps errors of files on this side from being taken for those of
// the socket.
func explainFile(err error) error {
	if f := explain(err); unusable(err) || f.code != exitFailed && f.code != exitDenied {
		return f
	}
	return &failure{exitFailed, err, ""}
}
