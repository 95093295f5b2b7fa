package publish

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// A folder holds token files. It is opened anew for each write, so that one
// which was deleted and made again is found, and everything is done relative
// to what was opened and checked.
type folder struct {
	*os.Root
	dir  *os.File // the folder itself
	info fs.FileInfo
}

// openFolder opens and checks the folder of token files. Whoever else may
// write there could swap our files at will, so such folders are refused.
func openFolder(path string) (*folder, error) {
	root, err := os.OpenRoot(path)
	if err != nil {
		return nil, fmt.Errorf("open folder: %w", err)
	}
	d := &folder{Root: root}
	if err := d.check(path); err != nil {
		d.Close()
		return nil, err
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

func (d *folder) check(path string) error {
	var err error
	if d.dir, err = d.Open("."); err != nil {
		return fmt.Errorf("open folder: %w", err)
	}
	if d.info, err = d.dir.Stat(); err != nil {
		return fmt.Errorf("read folder: %w", err)
	}
	// Links on the way are the administrator's (/var/run is one), the last
	// step must be what it says.
	link, err := os.Lstat(path)
	if err != nil {
		return fmt.Errorf("read folder: %w", err)
	}
	if !os.SameFile(link, d.info) {
		return fmt.Errorf("folder %s is a symbolic link or was just replaced", path)
	}
	owner, mode := d.info.Sys().(*syscall.Stat_t).Uid, d.info.Mode()
	switch {
	case owner != 0 && int(owner) != os.Geteuid():
		return fmt.Errorf("folder %s belongs to uid %d, neither to root nor to the daemon", path, owner)
	case mode&0o022 != 0 && mode&fs.ModeSticky == 0:
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
		switch err := os.Mkdir(at, 0o711); {
		case err == nil:
			if err := os.Chmod(at, 0o711); err != nil {
				return fmt.Errorf("set mode of folder: %w", err)
			}
		case !os.IsExist(err):
			return fmt.Errorf("make folder: %w", err)
		}
		at = filepath.Join(at, step)
	}
	return nil
}
