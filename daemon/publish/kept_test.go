package publish

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"
)

func TestAFolderIsKeptOpenOnlyWhileItIsTheOneThatWasLookedAt(t *testing.T) {
	for _, test := range []struct {
		name   string
		change func(path string) error
		kept   bool
		fails  bool
	}{
		{"nothing happens", func(string) error { return nil }, true, false},
		{"time goes by", func(string) error { time.Sleep(keptFor + time.Millisecond); synctest.Wait(); return nil }, false, false},
		{"another one takes its place", func(path string) error {
			return errors.Join(os.Rename(path, path+"-before"), os.Mkdir(path, 0o755))
		}, false, false},
		{"it is removed", os.Remove, false, true},
		{"everybody may write there", func(path string) error { return os.Chmod(path, 0o777) }, false, true},
		{"a link to it takes its place", func(path string) error {
			return errors.Join(os.Rename(path, path+"-before"), os.Symlink(path+"-before", path))
		}, false, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			synctest.Test(t, func(t *testing.T) {
				var k keptFolders
				path := filepath.Join(dir, "tokens")
				if err := errors.Join(os.Chmod(dir, 0o755), os.Mkdir(path, 0o755)); err != nil {
					t.Fatal(err)
				}
				first, release, err := k.open(path, "/nowhere")
				if err != nil {
					t.Fatal(err)
				}
				release()
				if err := test.change(path); err != nil {
					t.Fatal(err)
				}
				second, release, err := k.open(path, "/nowhere")
				if err == nil {
					defer release()
				}
				if kept := err == nil && second == first; kept != test.kept || (err != nil) != test.fails {
					t.Errorf("kept: %t, %v", kept, err)
				}
			})
		})
	}
}

func TestKeptFoldersAreClosedBehindTheLastWrite(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		var k keptFolders
		d, release, err := k.open(dir, "/nowhere")
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * keptFor)
		synctest.Wait()
		if _, err := d.dir.Stat(); err != nil {
			t.Errorf("it is closed under a write: %v", err)
		}
		release()
		if _, err := d.dir.Stat(); !errors.Is(err, os.ErrClosed) {
			t.Errorf("it stays open: %v", err)
		}
		d, release, err = k.open(dir, "/nowhere")
		if err != nil {
			t.Fatal(err)
		}
		release()
		k.close()
		if _, err := d.dir.Stat(); !errors.Is(err, os.ErrClosed) {
			t.Errorf("it stays open over the stop: %v", err)
		}
		if len(k.byPath) != 0 {
			t.Errorf("%d are remembered", len(k.byPath))
		}
	})
}
