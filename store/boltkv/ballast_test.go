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

const answered = 64

// answerOnFullDisk stores the answers of many refreshes at once when the file
// may not grow by a byte any more. Without intents nothing has kept room for
// them: that is the fault which the test must be able to see.
func answerOnFullDisk(path string, intents bool) error {
	kv, err := Open(Config{Path: path})
	if err != nil {
		return err
	}
	signal.Ignore(syscall.SIGXFSZ)
	row := func(i, size int) store.Change {
		name := fmt.Sprint("g", i)
		return store.Change{Name: name, Expect: store.Any, Write: &store.Write{Value: make([]byte, size), Entries: []store.Entry{
			{Index: store.DueIndex, Group: "i", Rank: uint64(size), Name: name},
			{Index: store.AttentionIndex, Group: "i/ok", Rank: uint64(size), Name: name},
		}}}
	}
	all := func(change func(i int) store.Change) error {
		var wg sync.WaitGroup
		failed := make([]error, answered)
		for i := range answered {
			wg.Go(func() { _, failed[i] = kv.Swap(context.Background(), change(i)) })
		}
		wg.Wait()
		return errors.Join(failed...)
	}
	if err := all(func(i int) store.Change { return row(i, 1000) }); err != nil {
		return err
	}
	intend := func(i int) store.Change {
		return store.Change{Name: fmt.Sprint("g", i), Expect: store.Any, Marks: []store.Mark{{Index: store.OpenIndex, Value: []byte("intent")}}}
	}
	if intents {
		if err := all(intend); err != nil {
			return err
		}
	}
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if err := unix.Setrlimit(unix.RLIMIT_FSIZE, &unix.Rlimit{Cur: uint64(info.Size()), Max: uint64(info.Size())}); err != nil {
		return err
	}
	if err := all(func(i int) store.Change {
		c := row(i, 4000)
		c.Marks = []store.Mark{{Index: store.OpenIndex}, {Index: store.UnpublishedIndex, Value: []byte("2")}}
		return c
	}); err != nil {
		return err
	}
	return kv.Close()
}

func TestAnswersFindRoomOnADiskThatFilledUpAfterTheirIntents(t *testing.T) {
	c := startChild(t, "answer", filepath.Join(t.TempDir(), "store.db"))
	if err := c.wait(); err != nil {
		t.Errorf("%v: %s", err, c.errors.String())
	}
}

func TestAnswersWithoutIntentsDoNotFitOnAFullDisk(t *testing.T) {
	c := startChild(t, "answer without intents", filepath.Join(t.TempDir(), "store.db"))
	if c.wait() == nil {
		t.Error("they did: the test of the ballast proves nothing")
	}
}

func TestAnIntentIsRefusedWhenThereIsNoRoomForItsAnswer(t *testing.T) {
	c := startChild(t, "intend", filepath.Join(t.TempDir(), "store.db"))
	if err := c.wait(); err != nil {
		t.Errorf("%v: %s", err, c.errors.String())
	}
}

// intendOnFullDisk finds that an intent is refused, that a change which opens
// none is not, and that the intent is accepted once there is room.
func intendOnFullDisk(path string) error {
	kv, err := Open(Config{Path: path})
	if err != nil {
		return err
	}
	signal.Ignore(syscall.SIGXFSZ)
	write := store.Change{Name: "g", Expect: store.Any, Write: &store.Write{Value: make([]byte, 100)}}
	for range 3 {
		if _, err := kv.Swap(context.Background(), write); err != nil {
			return err
		}
	}
	var before unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_FSIZE, &before); err != nil {
		return err
	}
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if err := unix.Setrlimit(unix.RLIMIT_FSIZE, &unix.Rlimit{Cur: uint64(info.Size()), Max: before.Max}); err != nil {
		return err
	}
	intent := store.Change{Name: "g", Expect: store.Any, Marks: []store.Mark{{Index: store.OpenIndex, Value: []byte("intent")}}}
	if _, err := kv.Swap(context.Background(), intent); err == nil {
		return errors.New("an intent was accepted although its answer has no room")
	}
	if _, err := kv.Swap(context.Background(), write); err != nil {
		return fmt.Errorf("a small change was refused too: %w", err)
	}
	if err := unix.Setrlimit(unix.RLIMIT_FSIZE, &before); err != nil {
		return err
	}
	if _, err := kv.Swap(context.Background(), intent); err != nil {
		return fmt.Errorf("with room again: %w", err)
	}
	return kv.Close()
}
