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

// name gives a whole file its name. A link fails where a rename would replace.
// File systems without links, as on most memory sticks, have the name taken by
// an empty file first, which the rename then replaces.
func name(whole, path string) error {
	err := os.Link(whole, path)
	if !errors.Is(err, unix.EPERM) && !errors.Is(err, unix.EOPNOTSUPP) && !errors.Is(err, unix.ENOSYS) {
		return err
	}
	taken, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL|unix.O_CLOEXEC, 0o600)
	if err != nil {
		return err
	}
	if err := errors.Join(taken.Close(), os.Rename(whole, path)); err != nil {
		return errors.Join(err, os.Remove(path))
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
