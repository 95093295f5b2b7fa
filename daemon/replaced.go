package daemon

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// A store file that was replaced or removed under the daemon ends it: what is
// written now, nobody finds again. Before that it does what only it can do.
//
//  1. The anchor is put ahead, so that the next start trusts none of the refresh
//     tokens in whatever file stands there: they may have been used up since
//     that copy was made.
//  2. The file that is still open, and has no name any more, is copied into the
//     folder of backups: it holds the latest tokens, and ends with the process.
//
// Neither keeps the daemon from ending.
func (d *daemon) leaveReplaced(ctx context.Context) {
	if err := d.anchor.Outrun(ctx); err != nil {
		d.log.Error("the file that took the place of the store may be trusted too far", "error", err)
	}
	path, err := d.rescue(ctx)
	if err != nil {
		d.log.Error("the store that was replaced is lost with this process", "error", err)
		return
	}
	d.log.Error("the store file was replaced; a copy of what it was is kept", "path", path)
}

// rescue copies the store that is open to replaced-20261122T031500Z.db, which
// is not counted among the nightly backups.
func (d *daemon) rescue(ctx context.Context) (path string, err error) {
	folder := backupFolder(d.current.Load())
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return "", fmt.Errorf("make folder of backups: %w", err)
	}
	path = filepath.Join(folder, "replaced-"+time.Now().UTC().Format(backupTime)+backupSuffix)
	if err := d.kv.Backup(ctx, path); err != nil {
		return "", fmt.Errorf("back up store: %w", err)
	}
	return path, nil
}

// storeReplaced tells whether the store file was found to be another one.
func (d *daemon) storeReplaced() bool {
	select {
	case <-d.kv.Replaced():
		return true
	default:
		return false
	}
}
