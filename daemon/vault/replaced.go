package vault

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// Replaced is closed when the store file was replaced or removed under the
// daemon, which ends it: what is written then, nobody finds again.
func (v *Vault) Replaced() <-chan struct{} { return v.backend.Replaced() }

// LeaveReplaced does what only the process can do that has the replaced store
// open.
//
//  1. The anchor is put ahead, so that the next start trusts none of the refresh
//     tokens in whatever file stands there: they may have been used up since
//     that copy was made.
//  2. The file that is still open, and has no name any more, is copied into the
//     folder of backups: it holds the latest tokens, and ends with the process.
//
// Neither keeps the daemon from ending.
func (v *Vault) LeaveReplaced(ctx context.Context) {
	if err := v.anchor.Outrun(ctx); err != nil {
		v.log.Error("the file that took the place of the store may be trusted too far", "error", err)
	}
	path, err := v.rescue(ctx)
	if err != nil {
		v.log.Error("the store that was replaced is lost with this process", "error", err)
		return
	}
	v.log.Error("the store file was replaced; a copy of what it was is kept", "path", path)
}

// rescue copies the store that is open to replaced-20261122T031500Z.db, which
// is not counted among the nightly backups.
func (v *Vault) rescue(ctx context.Context) (path string, err error) {
	folder := v.backups()
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return "", fmt.Errorf("make folder of backups: %w", err)
	}
	path = filepath.Join(folder, "replaced-"+time.Now().UTC().Format(backupTime)+backupSuffix)
	if err := v.backend.Backup(ctx, path); err != nil {
		return "", fmt.Errorf("back up store: %w", err)
	}
	return path, nil
}

// IsReplaced reports whether the store file was found to be another one.
func (v *Vault) IsReplaced() bool {
	select {
	case <-v.backend.Replaced():
		return true
	default:
		return false
	}
}
