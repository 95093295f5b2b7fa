package publish

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"webex-tokend/daemon/custody"
)

// A folder holds token files. Everything is done relative to what was opened and
// checked.
type folder struct {
	*os.Root
	dir  *os.File // the folder itself
	info fs.FileInfo
}

// openFolder opens and checks the folder of token files. Whoever else may change
// it, a folder above it or a link on the way could put another folder in its
// place, and have tokens written where he wants them.
func openFolder(path string) (*folder, error) {
	d, err := openKept(path)
	if err != nil {
		return nil, err
	}
	if err := d.check(path); err != nil {
		d.Close()
		return nil, err
	}
	return d, nil
}

// openKept opens a folder by any links, as long as nobody else may change what
// leads to it. It is the one that was found in good hands: while that is open, its
// inode is no other folder's.
func openKept(path string) (*folder, error) {
	kept, err := custody.Keepers(nil).Folder(path)
	if err != nil {
		return nil, fmt.Errorf("open folder: %w", err)
	}
	defer kept.Close()
	root, err := os.OpenRoot(path)
	if err != nil {
		return nil, fmt.Errorf("open folder: %w", err)
	}
	d := &folder{Root: root}
	if d.dir, err = d.Open("."); err != nil {
		d.Close()
		return nil, fmt.Errorf("open folder: %w", err)
	}
	found, err := kept.Stat()
	if err == nil {
		d.info, err = d.dir.Stat()
	}
	if err == nil && !os.SameFile(found, d.info) {
		err = errors.New("it was just replaced")
	}
	if err != nil {
		d.Close()
		return nil, fmt.Errorf("read folder %s: %w", path, err)
	}
	return d, nil
}

// Close closes both descriptors.
func (d *folder) Close() {
	if d.dir != nil {
		d.dir.Close()
	}
	d.Root.Close()
}

// ownerOf is the user and group of what was looked at.
func ownerOf(info fs.FileInfo) owners {
	stat := info.Sys().(*syscall.Stat_t)
	return owners{int(stat.Uid), int(stat.Gid)}
}

// check looks at the last step, which must be what it says: links on the way may
// be the administrator's (/var/run is one). Nor is the group of the daemon's user
// good enough here.
func (d *folder) check(path string) error {
	link, err := os.Lstat(path)
	if err != nil {
		return fmt.Errorf("read folder: %w", err)
	}
	if !os.SameFile(link, d.info) {
		return fmt.Errorf("folder %s is a symbolic link or was just replaced", path)
	}
	if mode := d.info.Mode(); mode&0o022 != 0 && mode&fs.ModeSticky == 0 {
		return fmt.Errorf("folder %s is writable by its group or by others (mode %04o)", path, mode.Perm())
	}
	return nil
}

// holds looks for a file by the last step of its path. It is an error when
// something else than a regular file stands in its place: that is neither ours
// to replace nor to delete.
func (d *folder) holds(path string) (fs.FileInfo, error) {
	info, err := d.Lstat(filepath.Base(path))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("read token file: %w", err)
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("%s is not a regular file", path)
	}
	return info, nil
}

// makeFolder opens a folder and makes it first when it is absent and lies in
// the runtime folder; elsewhere folders are the administrator's to make.
func makeFolder(path, runtimeDir string) (*folder, error) {
	d, err := openFolder(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return d, err
	}
	if err := makeFolders(path, runtimeDir); err != nil {
		return nil, err
	}
	return openFolder(path)
}

// makeFolders makes the runtime folder and what leads from it to path, with
// 0711 whatever the umask is: consumers pass through, none can list.
func makeFolders(path, runtimeDir string) error {
	below, ok := strings.CutPrefix(path+"/", runtimeDir+"/")
	if !ok {
		return nil
	}
	at := runtimeDir
	for step := range strings.SplitSeq(below, "/") {
		if err := makeStep(at); err != nil {
			return err
		}
		at = filepath.Join(at, step)
	}
	return nil
}

// makeStep makes one folder in one that nobody else may change.
func makeStep(path string) error {
	parent, err := openKept(filepath.Dir(path))
	if err != nil {
		return err
	}
	defer parent.Close()
	name := filepath.Base(path)
	switch err := parent.Mkdir(name, 0o711); {
	case os.IsExist(err):
		return nil
	case err != nil:
		return fmt.Errorf("make folder: %w", err)
	}
	if err := parent.Chmod(name, 0o711); err != nil {
		return fmt.Errorf("set mode of folder: %w", err)
	}
	return nil
}
