package boltkv

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"webex-tokend/store"
	"webex-tokend/store/lockfile"
)

// hold has the store open until its input ends.
func hold(path string) error {
	kv, err := Open(Config{Path: path})
	if err != nil {
		return err
	}
	fmt.Println("open")
	io.Copy(io.Discard, os.Stdin)
	return kv.Close()
}

func TestASecondProcessIsRefusedAndToldWhoHasTheStore(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	other := startChild(t, "hold", path)
	if line, err := bufio.NewReader(other.out).ReadString('\n'); err != nil || line != "open\n" {
		t.Fatalf("the other process: %q and %v: %s", line, err, other.errors.String())
	}
	_, err := Open(Config{Path: path})
	locked, ok := errors.AsType[*lockfile.LockedError](err)
	if !ok || !errors.Is(err, store.ErrLocked) {
		t.Fatalf("got %v", err)
	}
	if want := other.cmd.Process.Pid; locked.PID != want {
		t.Errorf("held by %d, the error says %d", want, locked.PID)
	}

	// A restored backup is another inode, with no lock of bbolt on it.
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(Config{Path: path}); !errors.Is(err, store.ErrLocked) {
		t.Errorf("after the store file was taken away: %v", err)
	}
	if _, err := os.Lstat(path); err == nil {
		t.Error("the refused process made a store file")
	}

	// The lock ends with its process, however that ends.
	other.kill()
	other.wait()
	put(t, openFor(t, path), "a", "1")
}

func TestOpenWaitsForTheLockAsLongAsItIsTold(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	first := openFor(t, path)
	opened := make(chan error)
	go func() {
		kv, err := Open(Config{Path: path, LockTimeout: time.Minute})
		if err == nil {
			err = kv.Close()
		}
		opened <- err
	}()
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-opened; err != nil {
		t.Fatal(err)
	}
}
