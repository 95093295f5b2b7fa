package boltkv

import (
	"context"
	"fmt"
	"io"
	"os"

	"go.etcd.io/bbolt"
	"golang.org/x/sys/unix"

	"webex-tokend/store/lockfile"
	"webex-tokend/store/newfile"
)

// Backup copies the store as it is at one instant, while changes go on, into a
// new file of mode 0600, which is whole or absent. It never replaces one.
func (k *KV) Backup(ctx context.Context, path string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return newfile.Write(path, func(f *os.File) error {
		_, err := k.read(ctx, func(tx *bbolt.Tx) error {
			_, err := tx.WriteTo(interruptible{ctx, f})
			return err
		})
		return err
	})
}

// Restore puts a backup where a store is to be. It refuses to replace one, and
// a damaged backup. The backup may lie anywhere and stays.
func Restore(ctx context.Context, backup string, cfg Config) error {
	lock, err := lockfile.Acquire(cfg.Path+".lock", cfg.LockTimeout)
	if err != nil {
		return err
	}
	defer lock.Close()
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
	return newfile.Write(cfg.Path, func(w *os.File) error {
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
