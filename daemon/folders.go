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
	for _, f := range []place{{c.RuntimeDir, 0o711}, {filepath.Join(c.RuntimeDir, "tokens"), 0o711}} {
		if err := f.make(); err != nil {
			return err
		}
	}
	return nil
}

// makeStateFolder is for the store, which is opened in it before anything else is
// made: with a key that does not open it, nothing is.
func makeStateFolder(c *config.Config) error { return place{c.StateDir, 0o700}.make() }

// A place is a folder that the daemon needs.
type place struct {
	path string
	mode fs.FileMode
}

func (f place) make() error {
	if info, err := os.Stat(f.path); err == nil {
		if owner := info.Sys().(*syscall.Stat_t).Uid; owner != 0 && int(owner) != os.Geteuid() {
			return fmt.Errorf("use folder: %s belongs to user %d, neither to root nor to the daemon", f.path, owner)
		}
		return nil
	}
	if err := os.MkdirAll(f.path, f.mode); err != nil {
		return fmt.Errorf("make folder: %w", err)
	}
	if err := os.Chmod(f.path, f.mode); err != nil {
		return fmt.Errorf("make folder: %w", err)
	}
	return nil
}

func fsMode(bits uint32) fs.FileMode { return fs.FileMode(bits).Perm() }
