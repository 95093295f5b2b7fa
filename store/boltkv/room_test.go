package boltkv

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"sync"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"webex-tokend/store"
)

// standing is for how many answers room is kept.
const standing = 16

// refreshOnFullDisk begins eight times as many refreshes at once as room is kept for,
// when the file may not grow by a byte any more, and stores their answers. So many
// must be let through as there is room for, and each of these must find it.
func refreshOnFullDisk(path string, inFlight int) error {
	kv, err := Open(Config{Path: path, InFlight: inFlight})
	if err != nil {
		return err
	}
	signal.Ignore(syscall.SIGXFSZ)
	row := func(i, size int) store.Change {
		name := fmt.Sprint("g", i)
		return store.Change{Name: name, Expect: store.Any, Write: &store.Write{Value: make([]byte, size), Entries: []store.Entry{
			{Index: store.DueIndex, Group: "i", Rank: uint64(size), Name: name}}}}
	}
	for i := range 8 * standing {
		c := row(i, 1000)
		c.Expect = store.Absent
		if _, err := kv.Swap(context.Background(), c); err != nil {
			return err
		}
	}
	// Behind the pages in use the file may have more, as many as there were groups.
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	m, _, err := readMetaPages(f)
	if err != nil {
		return err
	}
	limit := m.pages * m.pageSize
	if err := unix.Setrlimit(unix.RLIMIT_FSIZE, &unix.Rlimit{Cur: limit, Max: limit}); err != nil {
		return err
	}
	var begun [8 * standing]error
	var wg sync.WaitGroup
	for i := range begun {
		wg.Go(func() {
			_, begun[i] = kv.Swap(context.Background(), store.Change{Name: fmt.Sprint("g", i), Expect: store.Any,
				Marks: []store.Mark{{Index: store.OpenIndex, Value: []byte("intent")}}})
		})
	}
	wg.Wait()
	through := 0
	var lost error
	for i, refused := range begun {
		if refused != nil {
			continue
		}
		through++
		c := row(i, 4000)
		c.Marks = []store.Mark{{Index: store.OpenIndex}}
		_, err := kv.Swap(context.Background(), c)
		lost = errors.Join(lost, err)
	}
	switch {
	case lost != nil:
		return fmt.Errorf("answers without room: %w", lost)
	case through < standing || through == len(begun):
		return fmt.Errorf("%d of %d intents are let through", through, len(begun))
	}
	return kv.Close()
}

func TestRoomForTheAnswersInFlightIsKeptBeforeTheDiskFillsUp(t *testing.T) {
	c := startChild(t, "refresh with room", filepath.Join(t.TempDir(), "store.db"))
	if err := c.wait(); err != nil {
		t.Errorf("%v: %s", err, c.errors.String())
	}
}

func TestWithoutRoomThatWasKeptAFullDiskLetsFewIntentsThrough(t *testing.T) {
	c := startChild(t, "refresh without room", filepath.Join(t.TempDir(), "store.db"))
	if c.wait() == nil {
		t.Error("all the same: the test of the room that is kept proves nothing")
	}
}
