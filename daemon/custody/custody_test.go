package custody_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"webex-tokend/daemon/custody"
)

// Two users that no machine has.
const second, third = 41_414, 41_415

// scene is a folder with a file "a/b/file" in the hands of this process's user.
func scene(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := errors.Join(os.Chmod(dir, 0o755), os.MkdirAll(dir+"/a/b", 0o755), os.Chmod(dir+"/a", 0o755), os.Chmod(dir+"/a/b", 0o755),
		os.WriteFile(dir+"/a/b/file", nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestWhoeverMayChangeAStepOfAPathIsFound(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("giving files to other users takes root")
	}
	for _, test := range []struct {
		name string
		set  func(dir string) error
		path string // relative; of the step that is named
	}{
		{"the file belongs to another", func(dir string) error { return os.Chown(dir+"/a/b/file", second, -1) }, "a/b/file"},
		{"the file is writable by its group", func(dir string) error { return os.Chmod(dir+"/a/b/file", 0o660) }, "a/b/file"},
		{"the file is writable by all", func(dir string) error { return os.Chmod(dir+"/a/b/file", 0o606) }, "a/b/file"},
		{"its folder belongs to another", func(dir string) error { return os.Chown(dir+"/a/b", second, -1) }, "a/b"},
		{"a folder above belongs to another", func(dir string) error { return os.Chown(dir+"/a", third, -1) }, "a"},
		{"a folder above is writable by a group of others", func(dir string) error {
			return errors.Join(os.Chown(dir+"/a", -1, third), os.Chmod(dir+"/a", 0o775))
		}, "a"},
		{"a sticky folder holds a folder of another", func(dir string) error {
			return errors.Join(os.Chmod(dir+"/a", 0o777|fs.ModeSticky), os.Chown(dir+"/a/b", second, -1))
		}, "a/b"},
		{"a link of another leads there", func(dir string) error {
			return errors.Join(os.Rename(dir+"/a/b", dir+"/real"), os.Symlink("../real", dir+"/a/b"), os.Lchown(dir+"/a/b", second, -1))
		}, "a/b"},
		{"a good link leads through a folder of another", func(dir string) error {
			return errors.Join(os.Mkdir(dir+"/theirs", 0o755), os.Rename(dir+"/a/b", dir+"/theirs/b"), os.Chown(dir+"/theirs", third, -1),
				os.Symlink(dir+"/theirs/b", dir+"/a/b"))
		}, "theirs"},
		{"a good link leads to a file of another", func(dir string) error {
			return errors.Join(os.Rename(dir+"/a/b/file", dir+"/file"), os.Chown(dir+"/file", second, -1), os.Symlink("../../file", dir+"/a/b/file"))
		}, "file"},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := scene(t)
			if err := custody.Keepers(nil).File(dir + "/a/b/file"); err != nil {
				t.Fatalf("before: %v", err)
			}
			if err := test.set(dir); err != nil {
				t.Fatal(err)
			}
			err := custody.Keepers(nil).File(dir + "/a/b/file")
			found, ok := errors.AsType[*custody.Error](err)
			if !ok || found.Path != filepath.Join(dir, test.path) || !strings.Contains(found.Cure, found.Path) {
				t.Errorf("found %v", err)
			}
		})
	}
	t.Run("a keeper may", func(t *testing.T) {
		dir := scene(t)
		if err := os.Chown(dir+"/a", second, -1); err != nil {
			t.Fatal(err)
		}
		if err := (custody.Keepers{second}).File(dir + "/a/b/file"); err != nil {
			t.Error(err)
		}
		if err := (custody.Keepers{third}).File(dir + "/a/b/file"); err == nil {
			t.Error("another one is none")
		}
	})
}

func TestWhatNobodyElseMayChangeIsReached(t *testing.T) {
	dir := scene(t)
	if err := errors.Join(os.Symlink("a", dir+"/up"), os.Symlink(dir+"/up/./b/../b", dir+"/far"), os.Symlink("loop", dir+"/loop"),
		os.Chmod(dir+"/a", 0o777|fs.ModeSticky)); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/a/b/file", "/up/b/file", "/far/file", "/a//b/./file"} {
		if err := custody.Keepers(nil).File(dir + path); err != nil {
			t.Errorf("%s: %v", path, err)
		}
	}
	opened, err := custody.Keepers(nil).Folder(dir + "/far")
	if err != nil {
		t.Fatal(err)
	}
	defer opened.Close()
	got, err := opened.Stat()
	want, _ := os.Stat(dir + "/a/b")
	if err != nil || !os.SameFile(got, want) {
		t.Errorf("%v: another folder", err)
	}
	for path, want := range map[string]error{"/none/file": fs.ErrNotExist, "/a/none": fs.ErrNotExist} {
		err := custody.Keepers(nil).File(dir + path)
		if _, loose := errors.AsType[*custody.Error](err); loose || !errors.Is(err, want) {
			t.Errorf("%s: %v", path, err)
		}
	}
	for _, path := range []string{"/loop", "/a/b/file"} {
		if _, err := custody.Keepers(nil).Folder(dir + path); err == nil {
			t.Errorf("%s is a folder", path)
		}
	}
}
