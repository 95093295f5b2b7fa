// Package custody finds out who else may change what stands at a path: the thing
// itself, a folder that leads to it, or a symbolic link on the way. What the daemon
// obeys or writes to must be in the hands of root and of its own user alone, as
// sshd asks of the files that it trusts.
//
// A path is walked from the root by descriptors that follow no link by themselves,
// so that what was looked at is what is opened, whoever renames meanwhile.
package custody

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"webex-tokend/daemon/accounts"
)

// An Error names a step of a path that somebody else may change.
type Error struct {
	Path string // of the step
	Why  string // "belongs to uid 4711, ...", lower case
	Cure string // a command
}

func (e *Error) Error() string { return e.Path + " " + e.Why }

// Keepers are users who may change things beside root, the user of this process,
// and the owner of the root folder, who may change everything anyway. That is root,
// but in a user namespace that has no number for it.
type Keepers []uint32

// mostLinks is how many the kernel follows in one path.
const mostLinks = 40

// File returns an *Error when somebody else may change the file, a folder above
// it, or a link that leads to it. Other errors say that the file cannot be reached.
func (k Keepers) File(path string) error {
	f, err := k.walk(path)
	if err != nil {
		return err
	}
	return f.Close()
}

// Folder is File for a folder, and returns it as a descriptor that opens nothing
// but what it is asked relative to: whoever keeps it open can compare.
func (k Keepers) Folder(path string) (*os.File, error) {
	f, err := k.walk(path)
	if err != nil {
		return nil, err
	}
	if info, err := f.Stat(); err != nil || !info.IsDir() {
		f.Close()
		return nil, fmt.Errorf("open folder: %w", &fs.PathError{Op: "open", Path: path, Err: unix.ENOTDIR})
	}
	return f, nil
}

// walk opens each step relative to the one before.
func (k Keepers) walk(path string) (*os.File, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("locate: %w", err)
	}
	owners := append(slices.Clone(k), 0, uint32(os.Geteuid()))
	at, owners, err := root(owners)
	if err != nil {
		return nil, err
	}
	steps, links := strings.Split(path, "/"), 0
	for len(steps) > 0 {
		name := steps[0]
		steps = steps[1:]
		if name == "" || name == "." {
			continue
		}
		next, stat, err := step(at, name)
		if err != nil {
			at.Close()
			return nil, err
		}
		if err := owners.check(next.Name(), next, stat); err != nil {
			at.Close()
			next.Close()
			return nil, err
		}
		if stat.Mode&unix.S_IFMT != unix.S_IFLNK {
			at.Close()
			at = next
			continue
		}
		target, err := readlink(next)
		next.Close()
		if links++; err == nil && links > mostLinks {
			err = &fs.PathError{Op: "open", Path: path, Err: unix.ELOOP}
		}
		if err == nil && filepath.IsAbs(target) {
			at.Close()
			at, _, err = root(owners)
		}
		if err != nil {
			at.Close()
			return nil, err
		}
		steps = append(strings.Split(target, "/"), steps...)
	}
	return at, nil
}

// root opens the root folder, whose owner is a keeper.
func root(owners Keepers) (*os.File, Keepers, error) {
	fd, err := unix.Open("/", unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, nil, fmt.Errorf("open /: %w", err)
	}
	at := os.NewFile(uintptr(fd), "/")
	var stat unix.Stat_t
	if err := unix.Fstat(fd, &stat); err != nil {
		at.Close()
		return nil, nil, fmt.Errorf("read /: %w", err)
	}
	owners = append(owners, stat.Uid)
	if err := owners.check("/", at, stat); err != nil {
		at.Close()
		return nil, nil, err
	}
	return at, owners, nil
}

// step opens what a folder holds under a name, a link as a link.
func step(at *os.File, name string) (*os.File, unix.Stat_t, error) {
	path := filepath.Join(at.Name(), name)
	var stat unix.Stat_t
	fd, err := unix.Openat(int(at.Fd()), name, unix.O_PATH|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, stat, &fs.PathError{Op: "open", Path: path, Err: err}
	}
	next := os.NewFile(uintptr(fd), path)
	if err := unix.Fstat(fd, &stat); err != nil {
		next.Close()
		return nil, stat, &fs.PathError{Op: "stat", Path: path, Err: err}
	}
	return next, stat, nil
}

func readlink(link *os.File) (string, error) {
	target := make([]byte, unix.PathMax)
	n, err := unix.Readlinkat(int(link.Fd()), "", target)
	if err != nil {
		return "", &fs.PathError{Op: "readlink", Path: link.Name(), Err: err}
	}
	return string(target[:n]), nil
}

// check looks at one step. Of a link only the owner counts, since it has no mode;
// of a pipe, a socket or a device nothing is promised. In a sticky folder nobody
// renames or removes what is not his.
func (k Keepers) check(path string, f *os.File, stat unix.Stat_t) error {
	kind := "file"
	switch stat.Mode & unix.S_IFMT {
	case unix.S_IFDIR:
		kind = "folder"
	case unix.S_IFLNK:
		kind = "link"
	case unix.S_IFREG:
	default:
		return nil
	}
	if !slices.Contains(k, stat.Uid) {
		return &Error{path, fmt.Sprintf("is a %s that belongs to uid %d, neither to root nor to the daemon", kind, stat.Uid), "chown -h root " + path}
	}
	loose := stat.Mode & 0o022
	if kind == "link" || kind == "folder" && stat.Mode&unix.S_ISVTX != 0 || loose == 0 {
		return nil
	}
	if loose == 0o020 && ownGroup(stat) || kind == "folder" && handedOver(stat) || readOnly(f) {
		return nil
	}
	return &Error{path, fmt.Sprintf("is a %s that is writable by its group or by others (mode %04o)", kind, stat.Mode&0o777), "chmod go-w " + path}
}

// ownGroup reports whether a group is that of this process's user alone: its
// private group, which a umask of 002 goes with, or group 0 in a container that
// runs under an arbitrary user. For root no group is.
func ownGroup(stat unix.Stat_t) bool {
	if os.Geteuid() == 0 {
		return false
	}
	if stat.Gid == 0 {
		return os.Getegid() == 0
	}
	return int(stat.Uid) == os.Geteuid() && accounts.Private(stat.Uid, stat.Gid)
}

// handedOver reports whether root gave a folder to a group of this process, as
// Kubernetes does with the volumes of a pod that has an fsGroup: it opens them to
// all, since none but the containers of that pod come there.
func handedOver(stat unix.Stat_t) bool {
	if os.Geteuid() == 0 || stat.Uid != 0 || stat.Mode&unix.S_ISGID == 0 || stat.Gid == 0 {
		return false
	}
	groups, err := os.Getgroups()
	return err == nil && slices.Contains(append(groups, os.Getegid()), int(stat.Gid))
}

// readOnly reports whether nothing can be changed here whatever the modes are, as
// where Kubernetes mounts a ConfigMap.
func readOnly(f *os.File) bool {
	var stat unix.Statfs_t
	return unix.Fstatfs(int(f.Fd()), &stat) == nil && stat.Flags&unix.ST_RDONLY != 0
}
