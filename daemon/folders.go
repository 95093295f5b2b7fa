package daemon

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"webex-tokend/daemon/config"
)

// makeFolders makes what is absent, with its mode whatever the umask is. A
// folder that is there keeps the mode that somebody gave it. One that belongs to
// another user is refused: its owner could put a store, an inbox or a socket of
// his own in place of ours at any time.
func makeFolders(c *config.Config) error {
	for _, f := range []struct {
		path string
		mode fs.FileMode
	}{
		{c.StateDir, 0o700},
		{c.RuntimeDir, 0o711},
		{filepath.Join(c.RuntimeDir, "tokens"), 0o711},
	} {
		if info, err := os.Stat(f.path); err == nil {
			if owner := info.Sys().(*syscall.Stat_t).Uid; owner != 0 && int(owner) != os.Geteuid() {
				return fmt.Errorf("use folder: %s belongs to user %d, neither to root nor to the daemon", f.path, owner)
			}
			continue
		}
		if err := os.MkdirAll(f.path, f.mode); err != nil {
			return fmt.Errorf("make folder: %w", err)
		}
		if err := os.Chmod(f.path, f.mode); err != nil {
			return fmt.Errorf("make folder: %w", err)
		}
	}
	return nil
}

func fsMode(bits uint32) fs.FileMode { return fs.FileMode(bits).Perm() }
