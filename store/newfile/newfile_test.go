package newfile_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"webex-tokend/store/newfile"
)

const pathVariable = "WEBEX_TOKEND_TEST_PATH"

// TestMain lets the test binary play a process whose system calls fail.
func TestMain(m *testing.M) {
	path := os.Getenv(pathVariable)
	if path == "" {
		os.Exit(m.Run())
	}
	if err := newfile.Write(path, text("whole")); err != nil {
		os.Stderr.WriteString(err.Error())
		os.Exit(1)
	}
}

func text(s string) func(*os.File) error {
	return func(f *os.File) error {
		_, err := f.WriteString(s)
		return err
	}
}

// holds fails unless the folder has that one file with that content.
func holds(t *testing.T, folder, name, content string) {
	t.Helper()
	entries, err := os.ReadDir(folder)
	if err != nil || len(entries) != 1 || entries[0].Name() != name {
		t.Fatalf("the folder holds %v, %v", entries, err)
	}
	if b, err := os.ReadFile(filepath.Join(folder, name)); err != nil || string(b) != content {
		t.Errorf("the file holds %q, %v", b, err)
	}
}

func TestAFileIsMadeOnceAndNeverReplaced(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, "key")
	if err := newfile.Write(path, text("first")); err != nil {
		t.Fatal(err)
	}
	if err := newfile.Write(path, text("second")); !errors.Is(err, fs.ErrExist) {
		t.Errorf("a second time: %v", err)
	}
	holds(t, folder, "key", "first")
}

func TestAFileThatAppearsMeanwhileIsNotReplaced(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, "key")
	err := newfile.Write(path, func(f *os.File) error {
		return errors.Join(text("second")(f), os.WriteFile(path, []byte("first"), 0o600))
	})
	if !errors.Is(err, fs.ErrExist) {
		t.Errorf("over a file that appeared: %v", err)
	}
	holds(t, folder, "key", "first")
}

func TestWhatFailsLeavesNothingAndNamesTheFile(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, "key")
	failed := errors.New("no more")
	err := newfile.Write(path, func(f *os.File) error { return errors.Join(text("half")(f), failed) })
	if !errors.Is(err, failed) {
		t.Errorf("the error is %v", err)
	}
	if entries, _ := os.ReadDir(folder); len(entries) != 0 {
		t.Errorf("%v is left", entries)
	}
	err = newfile.Write(path, func(f *os.File) error { return errors.Join(f.Close(), text("half")(f)) })
	if at, ok := errors.AsType[*fs.PathError](err); !ok || at.Path != path {
		t.Errorf("a write that fails: %v", err)
	}
	absent := filepath.Join(folder, "absent", "key")
	err = newfile.Write(absent, text("whole"))
	if at, ok := errors.AsType[*fs.PathError](err); !ok || at.Path != absent || !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("in a folder that is not there: %v", err)
	}
}

// withoutLinks makes a file in a process of its own, as on a memory stick, whose
// file system has no links. More are injections of strace.
func withoutLinks(t *testing.T, path string, more ...string) error {
	t.Helper()
	strace, err := exec.LookPath("strace")
	if err != nil {
		t.Skip("strace is not installed")
	}
	// Only calls on this path: a process has to be loaded, too.
	args := []string{"-f", "-qq", "-o", "/dev/null", "-P", path, "-e", "inject=linkat:error=EPERM"}
	child := exec.CommandContext(t.Context(), strace, slices.Concat(args, more, os.Args[:1])...)
	child.Env = append(os.Environ(), pathVariable+"="+path)
	if out, err := child.CombinedOutput(); err != nil {
		return fmt.Errorf("%w: %s", err, out)
	}
	return nil
}

func TestAFileIsMadeWhereThereAreNoLinks(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, "key")
	if err := withoutLinks(t, path); err != nil {
		t.Fatal(err)
	}
	holds(t, folder, "key", "whole")
	// It appears after Write has looked.
	err := withoutLinks(t, path, "-e", "inject=newfstatat:error=ENOENT")
	if err == nil || !strings.Contains(err.Error(), "create "+path+": file exists") {
		t.Errorf("over a file that appeared: %v", err)
	}
}

func TestAKillBeforeAFileHasItsNameLeavesNoneWhereThereAreNoLinks(t *testing.T) {
	path := filepath.Join(t.TempDir(), "key")
	if err := withoutLinks(t, path, "-e", "inject=renameat,renameat2:signal=KILL"); err == nil {
		t.Fatal("nothing was killed")
	}
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("there is a file, which is not whole: %v", err)
	}
}
