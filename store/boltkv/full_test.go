package boltkv

import (
	"context"
	"fmt"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"webex-tokend/store"
)

// fill writes until the file may not grow any more, which it forbids itself:
// to bbolt that is a full disk. Nothing acknowledged may be gone then, and once
// there is room again the store must go on.
func fill(path string) error {
	kv, err := Open(Config{Path: path})
	if err != nil {
		return err
	}
	signal.Ignore(syscall.SIGXFSZ)
	var before unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_FSIZE, &before); err != nil {
		return err
	}
	if err := unix.Setrlimit(unix.RLIMIT_FSIZE, &unix.Rlimit{Cur: 300 << 10, Max: before.Max}); err != nil {
		return err
	}
	write := func(i int) error {
		c := store.Change{Name: fmt.Sprint("g", i), Expect: store.Any, Write: &store.Write{Value: make([]byte, 2000)}}
		_, err := kv.Swap(context.Background(), c)
		return err
	}
	stored := 0
	for ; stored < 1000; stored++ {
		if err = write(stored); err != nil {
			break
		}
	}
	// bbolt keeps the text of the error and not the error.
	if err == nil || !strings.Contains(err.Error(), syscall.EFBIG.Error()) {
		return fmt.Errorf("after %d rows the full disk gave %v", stored, err)
	}
	for i := range stored {
		if _, err := kv.Get(context.Background(), fmt.Sprint("g", i)); err != nil {
			return fmt.Errorf("row %d of %d: %w", i, stored, err)
		}
	}
	if err := unix.Setrlimit(unix.RLIMIT_FSIZE, &before); err != nil {
		return err
	}
	if err := write(stored); err != nil {
		return fmt.Errorf("with room again: %w", err)
	}
	return kv.Close()
}

func TestAFullDiskLosesNothingAndIsGotOver(t *testing.T) {
	c := startChild(t, "fill", filepath.Join(t.TempDir(), "store.db"))
	if err := c.wait(); err != nil {
		t.Errorf("%v: %s", err, c.errors.String())
	}
}
