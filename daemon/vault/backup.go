package vault

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Nightly backups are called store-20261122T031500Z.db, so that their names are
// in the order of their age. Others in the folder are nobody's business.
const (
	backupPrefix = "store-"
	backupTime   = "20060102T150405Z"
	backupSuffix = ".db"
)

func (v *Vault) backups() string { return filepath.Join(v.cfg.Folder, "backups") }

// Backup returns the store as it is now. The copy is made on the daemon's own
// disk, since a caller who reads slowly would hold pages of the store, and has
// no name any more when it is returned.
func (v *Vault) Backup(ctx context.Context) (io.ReadCloser, int64, error) {
	folder := v.backups()
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, 0, fmt.Errorf("make folder of backups: %w", err)
	}
	private, err := os.MkdirTemp(folder, ".stream-")
	if err != nil {
		return nil, 0, fmt.Errorf("make folder of backup: %w", err)
	}
	defer os.RemoveAll(private)
	path := filepath.Join(private, "store.db")
	if err := v.backend.Backup(ctx, path); err != nil {
		return nil, 0, fmt.Errorf("back up store: %w", err)
	}
	if err := v.anchor.Raise(ctx); err != nil {
		return nil, 0, err
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, 0, fmt.Errorf("open backup: %w", err)
	}
	info, err := f.Stat()
	if err != nil {
		f.Close()
		return nil, 0, fmt.Errorf("open backup: %w", err)
	}
	return f, info.Size(), nil
}

// BackupNightly makes one more backup in the folder of backups and removes the
// oldest beyond those to keep, in this order.
func (v *Vault) BackupNightly(ctx context.Context, keep int) error {
	folder := v.backups()
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return fmt.Errorf("make folder of backups: %w", err)
	}
	path := filepath.Join(folder, backupPrefix+time.Now().UTC().Format(backupTime)+backupSuffix)
	if err := v.backend.Backup(ctx, path); err != nil && !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("back up store: %w", err)
	}
	if err := v.anchor.Raise(ctx); err != nil {
		return err
	}
	v.log.Info("backed up", "path", path)
	return dropBackups(folder, keep)
}

// dropBackups keeps the youngest of the nightly backups.
func dropBackups(folder string, keep int) error {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return fmt.Errorf("list backups: %w", err)
	}
	var names []string
	for _, e := range entries {
		stamp, ours := strings.CutPrefix(strings.TrimSuffix(e.Name(), backupSuffix), backupPrefix)
		if _, err := time.Parse(backupTime, stamp); ours && err == nil {
			names = append(names, e.Name())
		}
	}
	slices.Sort(names)
	var failed error
	for _, name := range names[:max(0, len(names)-keep)] {
		failed = errors.Join(failed, os.Remove(filepath.Join(folder, name)))
	}
	if failed != nil {
		return fmt.Errorf("drop old backups: %w", failed)
	}
	return nil
}
