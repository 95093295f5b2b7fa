// Package newfile makes files that are absent or whole, whatever ends the
// process, and never replaces one. It is for keys and backups, which somebody
// may have under that name already.
package newfile

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// Write makes the file of that path, mode 0600 unless fill changes it. fill
// writes what is to be in it into a file beside it that has another name yet;
// that one goes again when anything fails. The error is fs.ErrExist when there
// is a file already, or an *fs.PathError of that path, or what fill returned.
func Write(path string, fill func(*os.File) error) error {
	if _, err := os.Lstat(path); err == nil {
		return &fs.PathError{Op: "create", Path: path, Err: fs.ErrExist}
	}
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if at, ok := errors.AsType[*fs.PathError](err); ok {
		return &fs.PathError{Op: "create", Path: path, Err: at.Err}
	}
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	if err = fill(f); err == nil {
		err = f.Sync()
	}
	if closing := f.Close(); err == nil {
		err = closing
	}
	if err == nil {
		err = name(f.Name(), path)
	}
	if at, ok := errors.AsType[*fs.PathError](err); ok && at.Path == f.Name() {
		at.Path = path // the other name tells nobody anything
	}
	if at, ok := errors.AsType[*os.LinkError](err); ok {
		return &fs.PathError{Op: "create", Path: path, Err: at.Err}
	}
	if err != nil {
		return err
	}
	return syncFolder(filepath.Dir(path))
}

// name gives a whole file its name. A link fails where a rename would replace;
// file systems without links, as on most memory sticks, have a rename that does
// not.
func name(whole, path string) error {
	err := os.Link(whole, path)
	if !errors.Is(err, unix.EPERM) && !errors.Is(err, unix.EOPNOTSUPP) && !errors.Is(err, unix.ENOSYS) {
		return err
	}
	if err := unix.Renameat2(unix.AT_FDCWD, whole, unix.AT_FDCWD, path, unix.RENAME_NOREPLACE); err != nil {
		return &os.LinkError{Op: "rename", Old: whole, New: path, Err: err}
	}
	return nil
}

func syncFolder(path string) error {
	folder, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}
