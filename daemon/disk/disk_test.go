package disk

import (
	"errors"
	"fmt"
	"os"
	"testing"
	"testing/synctest"
	"time"
)

func hang(until <-chan struct{}) func() (int, error) {
	return func() (int, error) { <-until; return 0, nil }
}

func answer() (int, error) { return 7, nil }

// One folder that hung took all workers, and with them every output.
func TestAFolderThatHangsIsLeftAloneAndHoldsUpNoOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var c Calls
		until := make(chan struct{})
		begun := time.Now()
		if _, err := Do(&c, "/hung", hang(until)); !errors.Is(err, ErrSilent) {
			t.Fatal(err)
		}
		if took := time.Since(begun); took != answersWithin {
			t.Errorf("it is left behind after %s", took)
		}
		begun = time.Now()
		if _, err := Do(&c, "/hung", answer); !errors.Is(err, ErrSilent) {
			t.Errorf("another call about it is made: %v", err)
		}
		if n, err := Do(&c, "/sound", answer); n != 7 || err != nil {
			t.Errorf("another folder: %d, %v", n, err)
		}
		if time.Since(begun) != 0 {
			t.Error("somebody waited")
		}
		close(until)
		synctest.Wait()
		if n, err := Do(&c, "/hung", answer); n != 7 || err != nil {
			t.Errorf("once it answers: %d, %v", n, err)
		}
		synctest.Wait()
		if len(c.places)+len(c.mounts)+c.left != 0 {
			t.Errorf("%d folders, %d mounts, %d calls are remembered", len(c.places), len(c.mounts), c.left)
		}
	})
}

func TestAMountThatHangsTakesFewThreadsHoweverManyFoldersItHas(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var c Calls
		until := make(chan struct{})
		defer close(until)
		for i := range 100 {
			_, _ = Do(&c, fmt.Sprintf("/proc/%d", i), hang(until))
		}
		if c.left != mostOfMount {
			t.Errorf("%d calls are left behind", c.left)
		}
		if _, err := Do(&c, "/sound", answer); err != nil {
			t.Errorf("another mount: %v", err)
		}
	})
}

func TestAFolderInWhichNothingEndsTakesSomeOfTheWorkersOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var c Calls
		until := make(chan struct{})
		for range suspectCalls {
			go func() { _, _ = Do(&c, "/slow", hang(until)) }()
		}
		time.Sleep(suspectAfter + time.Millisecond)
		if _, err := Do(&c, "/slow", answer); !errors.Is(err, ErrSilent) {
			t.Errorf("it takes one more: %v", err)
		}
		close(until)
		synctest.Wait()
		if _, err := Do(&c, "/slow", answer); err != nil {
			t.Error(err)
		}
	})
}

func TestTheMountOfAPathIsTheLongestAboveIt(t *testing.T) {
	if _, err := os.Stat("/proc/self/mountinfo"); err != nil {
		t.Skip(err)
	}
	for path, want := range map[string]string{"/": "/", "/proc/1": "/proc", "/procession": "/"} {
		if got := mountOf(path); got != want {
			t.Errorf("%s lies on %s, want %s", path, got, want)
		}
	}
}
