package boltkv

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"go.etcd.io/bbolt"
	"golang.org/x/sys/unix"
)

// Backup copies the store as it is at one instant, while changes go on, into a
// new file of mode 0600. The file is whole or absent: it is written as
// PATH.part, fsynced and renamed, and so is its folder. It never replaces one.
func (k *KV) Backup(ctx context.Context, path string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return place(path, func(w io.Writer) error {
		_, err := k.read(ctx, func(tx *bbolt.Tx) error {
			_, err := tx.WriteTo(interruptible{ctx, w})
			return err
		})
		return err
	})
}

// Restore puts a backup where a store is to be. It refuses to replace one, and
// a damaged backup. The backup may lie anywhere and stays.
func Restore(ctx context.Context, backup string, cfg Config) error {
	lock, err := acquire(cfg.Path+".lock", cfg.LockTimeout)
	if err != nil {
		return err
	}
	defer lock.release()
	f, err := os.OpenFile(backup, os.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("open backup: %w", err)
	}
	defer f.Close()
	if _, err := inspect(f); err != nil {
		return fmt.Errorf("read backup: %w", err)
	}
	info, err := f.Stat()
	if err != nil {
		return fmt.Errorf("read backup: %w", err)
	}
	return place(cfg.Path, func(w io.Writer) error {
		for done := int64(0); ; {
			n, err := io.CopyN(interruptible{ctx, w}, f, restoredAtOnce)
			done += n
			if cfg.Progress != nil {
				cfg.Progress(done, info.Size())
			}
			if err == io.EOF {
				return nil
			}
			if err != nil {
				return err
			}
		}
	})
}

// restoredAtOnce bytes lie between two signs of progress.
const restoredAtOnce = 4 << 20

// place makes a file that is absent, then whole and on the disk.
func place(path string, fill func(io.Writer) error) (err error) {
	if _, err := os.Lstat(path); err == nil {
		return &fs.PathError{Op: "create", Path: path, Err: fs.ErrExist}
	}
	part := path + ".part"
	if err := os.Remove(part); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	f, err := os.OpenFile(part, os.O_WRONLY|os.O_CREATE|os.O_EXCL|unix.O_CLOEXEC, 0o600)
	if err != nil {
		return err
	}
	defer os.Remove(part)
	if err := errors.Join(fill(f), f.Sync(), f.Close()); err != nil {
		return err
	}
	// A link fails where a rename would replace.
	if err := os.Link(part, path); err != nil {
		return err
	}
	return syncPath(filepath.Dir(path))
}

// interruptible ends a copy with its caller.
type interruptible struct {
	ctx context.Context
	w   io.Writer
}

func (i interruptible) Write(b []byte) (int, error) {
	if err := i.ctx.Err(); err != nil {
		return 0, err
	}
	return i.w.Write(b)
}
