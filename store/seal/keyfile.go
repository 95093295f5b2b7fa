package seal

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"golang.org/x/sys/unix"
)

// CredentialName is what the key is called among the credentials that systemd
// passes to the service.
const CredentialName = "store.key"

// A MissingKeyError says that there is no key where it should be.
type MissingKeyError struct{ Path string }

func (e *MissingKeyError) Error() string {
	return fmt.Sprintf("there is no store key in %s", e.Path)
}

// A KeyFileError says why a key file is not used: it cannot be read, it holds no
// key (ErrNotAKey), or somebody else could have written it.
type KeyFileError struct {
	Path string
	Err  error
}

func (e *KeyFileError) Error() string { return fmt.Sprintf("read store key: %v", e.Err) }
func (e *KeyFileError) Unwrap() error { return e.Err }

// LocateKey returns where the key is to be read: among the credentials when
// systemd passed one, else in the file.
func LocateKey(file string) string {
	if folder := os.Getenv("CREDENTIALS_DIRECTORY"); folder != "" {
		credential := filepath.Join(folder, CredentialName)
		if _, err := os.Stat(credential); err == nil {
			return credential
		}
	}
	return file
}

// ReadKey reads a key file. It refuses one that is not a regular file, that
// belongs to neither root nor this process's user, or that group or others may
// write to; warning says that others may read it. The error is a
// *MissingKeyError when there is no file, else a *KeyFileError.
func ReadKey(path string) (key Key, warning string, err error) {
	key, warning, err = readKey(path)
	if errors.Is(err, fs.ErrNotExist) {
		return Key{}, "", &MissingKeyError{path}
	}
	if err != nil {
		return Key{}, "", &KeyFileError{path, err}
	}
	return key, warning, nil
}

func readKey(path string) (key Key, warning string, err error) {
	// Without O_NONBLOCK a pipe in the file's place would hold the daemon.
	f, err := os.OpenFile(path, os.O_RDONLY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return Key{}, "", err
	}
	defer f.Close()
	var st unix.Stat_t
	if err := unix.Fstat(int(f.Fd()), &st); err != nil {
		return Key{}, "", fmt.Errorf("stat %s: %w", path, err)
	}
	switch {
	case st.Mode&unix.S_IFMT != unix.S_IFREG:
		return Key{}, "", fmt.Errorf("%s is not a regular file", path)
	case st.Uid != 0 && int(st.Uid) != os.Geteuid():
		return Key{}, "", fmt.Errorf("%s belongs to user %d, not to root or to the daemon's own", path, st.Uid)
	case st.Mode&0o022 != 0:
		return Key{}, "", fmt.Errorf("others than its owner may write to %s", path)
	}
	if st.Mode&0o004 != 0 {
		warning = "every local user can read the store key " + path
	}
	const limit = 1024
	text, err := io.ReadAll(io.LimitReader(f, limit))
	if err != nil {
		return Key{}, "", err
	}
	if key, err = ParseKey(string(text)); err != nil {
		return Key{}, "", fmt.Errorf("what %s holds %w", path, err)
	}
	return key, warning, nil
}

// WriteKey makes a key file, mode 0440 with the group of its folder, and never
// replaces one: then the error is fs.ErrExist. The file is whole or absent: it
// is written under another name, fsynced, linked, and the folder fsynced.
func WriteKey(path string, key Key) (err error) {
	folder, err := os.OpenRoot(filepath.Dir(path))
	if err != nil {
		return fmt.Errorf("write store key: %w", err)
	}
	defer folder.Close()
	defer func() {
		if err != nil {
			err = fmt.Errorf("write store key: %w", err)
		}
	}()
	name := filepath.Base(path)
	if _, err := folder.Lstat(name); err == nil {
		return &fs.PathError{Op: "create", Path: path, Err: fs.ErrExist}
	}
	fresh := "." + name + ".new"
	if err := folder.Remove(fresh); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	f, err := folder.OpenFile(fresh, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o400)
	if cause, ok := errors.AsType[*fs.PathError](err); ok {
		return &fs.PathError{Op: "create", Path: path, Err: cause.Err}
	}
	if err != nil {
		return err
	}
	defer folder.Remove(fresh)
	_, err = io.WriteString(f, key.Text().Reveal()+"\n")
	err = errors.Join(err, shareWithFolder(folder, f), f.Sync(), f.Close())
	if err != nil {
		return err
	}
	if err := folder.Link(fresh, name); err != nil {
		return err
	}
	d, err := folder.Open(".")
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// shareWithFolder lets the group of the folder read: that is the daemon's for
// /etc/webex-tokend. A user who may not give a file to that group keeps his own.
func shareWithFolder(folder *os.Root, f *os.File) error {
	info, err := folder.Stat(".")
	if err != nil {
		return err
	}
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		if err := f.Chown(-1, int(st.Gid)); err != nil && !errors.Is(err, fs.ErrPermission) {
			return err
		}
	}
	return f.Chmod(0o440)
}
