package vault

import (
	"os"
	"path/filepath"
)

// tidy removes what an interrupted backup or restore, or a crash in the middle of
// a replacement, left behind. The lock of the store is held: nobody else is at work
// here.
func (v *Vault) tidy() {
	for _, pattern := range []string{
		filepath.Join(v.backups(), ".stream-*"),                               // of a backup for a caller
		filepath.Join(v.backups(), ".store-*"),                                // of a nightly one
		filepath.Join(v.backups(), ".replaced-*"),                             // of a store that was replaced
		filepath.Join(v.cfg.Folder, "."+filepath.Base(v.cfg.Store)+".[0-9]*"), // of a restore
		filepath.Join(v.cfg.Folder, ".anchor[0-9]*"),
	} {
		found, err := filepath.Glob(pattern)
		if err != nil {
			continue // the folder has a name that is a pattern itself
		}
		for _, path := range found {
			if err := os.RemoveAll(path); err != nil {
				v.log.Warn("leftover of an interrupted backup or restore stays", "path", path, "error", err)
				continue
			}
			v.log.Info("removed what an interrupted backup or restore left", "path", path)
		}
	}
}
