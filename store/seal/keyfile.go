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

	"webex-tokend/store/newfile"
)

// CredentialName is what the key is called among the credentials that systemd
// passes to the service.
const CredentialName = "store.key"

// A MissingKeyError says that there is no key where it should be.
type MissingKeyError struct {
	Path  string
	Store string // that needs the key; empty: there is none yet
}

func (e *MissingKeyError) Error() string {
	if e.Store == "" {
		return fmt.Sprintf("there is no store key in %s", e.Path)
	}
	return fmt.Sprintf("there is no store key in %s, and the store in %s needs its own", e.Path, e.Store)
}

// ReadKeyOf is ReadKey, and names the store in a *MissingKeyError when there is
// one.
func ReadKeyOf(store, path string) (key Key, warning string, err error) {
	key, warning, err = ReadKey(path)
	if missing, ok := errors.AsType[*MissingKeyError](err); ok {
		if _, err := os.Lstat(store); err == nil {
			missing.Store = store
		}
	}
	return key, warning, err
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
		return Key{}, "", &MissingKeyError{Path: path}
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

// WriteKey makes a key file, mode 0440 with the group of its folder. The file is
// whole or absent, and never replaces one: then the error is fs.ErrExist.
func WriteKey(path string, key Key) error {
	err := newfile.Write(path, func(f *os.File) error {
		if _, err := io.WriteString(f, key.Text().Reveal()+"\n"); err != nil {
			return err
		}
		return shareWithFolder(filepath.Dir(path), f)
	})
	if err != nil {
		return fmt.Errorf("write store key: %w", err)
	}
	return nil
}

// shareWithFolder lets the group of the folder read: that is the daemon's for
// /etc/webex-tokend. A user who may not give a file to that group keeps his own.
func shareWithFolder(folder string, f *os.File) error {
	info, err := os.Stat(folder)
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
