package crash_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// An ailment is a disk that takes no writes, and its cure.
type ailment struct {
	name  string
	reads string // what the status says
	begin func(h *host, state string)
	end   func(h *host, state string)
}

func ailments() []ailment {
	remount := func(h *host, state string, flags uintptr) {
		if err := syscall.Mount("", state, "", syscall.MS_REMOUNT|flags, "size=8m"); err != nil {
			h.t.Fatal(err)
		}
	}
	return []ailment{
		{"read-only", "read-only file system",
			func(h *host, state string) { remount(h, state, syscall.MS_RDONLY) },
			func(h *host, state string) { remount(h, state, 0) }},
		{"full", "", // room for answers was kept
			func(h *host, state string) { fillUp(h.t, state) },
			func(h *host, state string) {
				if err := os.Remove(filepath.Join(state, "filler")); err != nil {
					h.t.Fatal(err)
				}
			}},
		{"without inodes", "",
			func(h *host, state string) { takeInodes(h.t, state) },
			func(h *host, state string) {
				if err := os.RemoveAll(filepath.Join(state, "inodes")); err != nil {
					h.t.Fatal(err)
				}
			}},
	}
}

// takeInodes leaves none free on the disk of a folder.
func takeInodes(t *testing.T, dir string) {
	t.Helper()
	if err := os.Mkdir(filepath.Join(dir, "inodes"), 0o700); err != nil {
		t.Fatal(err)
	}
	for n := 0; ; n++ {
		err := os.Mkdir(filepath.Join(dir, "inodes", fmt.Sprint(n)), 0o700)
		if errors.Is(err, syscall.ENOSPC) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// A daemon that was restarted on a disk that took no writes ended, and served
// nobody the tokens that it had.
func TestADaemonStartsOnADiskThatTakesNoWritesServesAndGoesOnByItself(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	for _, a := range ailments() {
		t.Run(a.name, func(t *testing.T) {
			t.Parallel()
			h := newHost(t, 0)
			state := h.smallDisk()
			d := h.start("daemon")
			names := h.registerFleet(h.speak(), 2)
			file := filepath.Join(h.dir, "run", "tokens", names[0])
			published := awaitFile(t, file)
			d.kill()
			d.wait()
			a.begin(h, state)
			d = h.start("daemon")
			c := h.speak()
			for _, name := range names {
				h.serves(c, name)
			}
			if left, err := os.ReadFile(file); err != nil || !bytes.Equal(left, published) {
				t.Errorf("the token file is another one: %v", err)
			}
			ctx, cancel := patience(t)
			defer cancel()
			var err error
			if size, err := c.Backup(ctx, io.Discard, nil); err == nil {
				t.Errorf("a backup of %d bytes was made", size)
			}
			for _, err = range c.RotateKey(ctx) {
			}
			t.Logf("rotating keys: %v", err)
			if a.reads != "" {
				if _, err := c.Refresh(ctx, names[0]); err == nil {
					t.Error("a refresh succeeded without a store")
				}
				if n := h.asked(); n > 0 {
					t.Errorf("%d requests", n)
				}
				sum, err := c.Status(ctx)
				if err != nil || !strings.Contains(sum.Keeper.StoreError, a.reads) {
					t.Errorf("the status says %q, %v", sum.Keeper.StoreError, err)
				}
			} else if _, err := c.Refresh(ctx, names[1]); err != nil {
				t.Errorf("a store that has room for the answer takes no refresh: %v", err)
			}
			until(t, func(ctx context.Context) error {
				sum, err := c.Status(ctx)
				if err == nil && sum.Keeper.DiskError == "" {
					err = errors.New("nobody is told that the disk has little room")
				}
				return err
			})
			a.end(h, state)
			until(t, func(ctx context.Context) error {
				_, err := c.Refresh(ctx, names[0])
				return err
			})
			if _, err := c.Backup(ctx, io.Discard, nil); err != nil {
				t.Errorf("no backup: %v", err)
			}
			for _, err := range c.RotateKey(ctx) {
				if err != nil {
					t.Error(err)
				}
			}
			d.kill()
			d.wait()
			h.nothingLost(names)
		})
	}
}
