package publish

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/google/renameio/v2"

	"webex-tokend/daemon/config"
)

// A write brings one file to its content, owner and mode.
type write struct {
	file       config.File
	labels     map[string]string
	content    []byte
	runtimeDir string
	ids        *ids
	folders    *keptFolders // nil: the folder is opened for this one alone
	// renewed: this token was never written there, so that comparing is vain.
	renewed bool
}

// folder is what the calls for the file are bounded by.
func (w write) folder() string { return filepath.Dir(w.file.Path) }

// owners are the user and group that a file must have.
type owners struct{ uid, gid int }

// stands returns the trace of a file that is already as it should be.
func (w write) stands() (found trace, err error) {
	err = w.in(func(d *folder, _, want owners) error {
		found, err = w.standsIn(d, want)
		return err
	})
	return found, err
}

// put writes the file unless it is already as it should be, and returns how it
// left it.
func (w write) put() (left trace, err error) {
	err = w.in(func(d *folder, made, want owners) error {
		if left, err = w.standsIn(d, want); err != nil || left != (trace{}) {
			return err
		}
		next, err := w.stage(d, made, want)
		if err != nil {
			return err
		}
		defer next.Cleanup() // does nothing after the replacement
		if _, err := next.Write(w.content); err != nil {
			return w.fault("write", err)
		}
		// Taken before the file has its name, so that it is no other one's.
		info, err := next.Stat()
		if err != nil {
			return w.fault("read", err)
		}
		left = traceOf(info.Sys().(*syscall.Stat_t))
		// The content is synced before the rename and the folder after it:
		// without the first, power loss can leave an empty file under the final
		// name, without the second the former one. On tmpfs both syncs return
		// at once.
		if err := next.CloseAtomicallyReplace(); err != nil {
			return w.fault("replace", err)
		}
		if err := d.dir.Sync(); err != nil {
			return fmt.Errorf("sync folder: %w", err)
		}
		return nil
	})
	return left, err
}

// probe does all that put does up to the content.
func (w write) probe() error {
	return w.in(func(d *folder, made, want owners) error {
		if _, err := d.holds(w.file.Path); err != nil {
			return err
		}
		next, err := w.stage(d, made, want)
		if err != nil {
			return err
		}
		return next.Cleanup()
	})
}

// in calls do with the folder of the file, the owners that a file made in it
// has and those that this one must have.
func (w write) in(do func(d *folder, made, want owners) error) error {
	if w.file.Shut != "" {
		return errors.New(w.file.Shut)
	}
	d, release, err := w.folders.open(filepath.Dir(w.file.Path), w.runtimeDir)
	if err != nil {
		return err
	}
	defer release()
	made := owners{os.Geteuid(), os.Getegid()}
	if d.info.Mode()&fs.ModeSetgid != 0 {
		made.gid = int(d.info.Sys().(*syscall.Stat_t).Gid)
	}
	want := made
	if w.file.Owner != "" {
		if want.uid, err = w.ids.user(w.file.Owner); err != nil {
			return err
		}
	}
	if w.file.Group != "" {
		if want.gid, err = w.ids.group(w.file.Group); err != nil {
			return err
		}
	}
	return do(d, made, want)
}

// stage makes the empty file that will take the place of the present one. It
// lies in the same folder, hence on the same file system, and its name starts
// with a dot. Mode and owner are right before there is content:
//
//  1. made with 0600, so that nobody else can hold it open meanwhile;
//  2. its mode, while it is still ours to change (the drop-in for owners
//     grants CAP_CHOWN alone);
//  3. its owner and group.
func (w write) stage(d *folder, made, want owners) (*renameio.PendingFile, error) {
	next, err := renameio.NewPendingFile(filepath.Base(w.file.Path), renameio.WithRoot(d.Root))
	if err != nil {
		return nil, w.fault("make", err)
	}
	err = next.Chmod(fs.FileMode(w.file.Mode))
	if err == nil && made != want {
		err = next.Chown(want.uid, want.gid)
	}
	if err != nil {
		next.Cleanup()
		return nil, w.fault("set owner and mode of", err)
	}
	return next, nil
}

// standsIn compares the file with what it should be; a zero trace means that it
// is not that.
func (w write) standsIn(d *folder, want owners) (trace, error) {
	info, err := d.holds(w.file.Path)
	if err != nil || info == nil || w.renewed {
		return trace{}, err
	}
	has := info.Sys().(*syscall.Stat_t)
	if info.Mode() != fs.FileMode(w.file.Mode) || info.Size() != int64(len(w.content)) ||
		has.Nlink != 1 || want != ownerOf(info) {
		return trace{}, nil
	}
	// One that cannot be read, as when its owner is another user, is written
	// anew.
	f, err := d.OpenFile(filepath.Base(w.file.Path), os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return trace{}, nil
	}
	defer f.Close()
	content := make([]byte, len(w.content))
	if _, err = io.ReadFull(f, content); err != nil || !bytes.Equal(content, w.content) {
		return trace{}, nil
	}
	// What was seen before the content: a change since makes another trace.
	return traceOf(has), nil
}

// fault words an error of the staged file. It leaves out the random name, so
// that a fault which persists reads the same at each try, and names the part
// of the service unit that forbids what failed.
func (w write) fault(verb string, err error) error {
	if bare, ok := errors.AsType[syscall.Errno](err); ok {
		err = bare
	}
	var advice string
	switch {
	case errors.Is(err, syscall.EROFS):
		advice = "; the unit needs ReadWritePaths=" + filepath.Dir(w.file.Path)
	case errors.Is(err, syscall.EPERM) && w.file.Owner != "":
		advice = "; the unit needs the drop-in chown.conf for owner " + w.file.Owner
	case errors.Is(err, syscall.EPERM) && w.file.Group != "":
		advice = "; the unit needs SupplementaryGroups=" + w.file.Group
	}
	return fmt.Errorf("%s token file: %w%s", verb, err, advice)
}
