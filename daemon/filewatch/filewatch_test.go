package filewatch

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fsnotify/fsnotify"
	"go.uber.org/goleak"
)

// A bench is a Watch on one file or folder inside a bubble, where the kernel
// is played by a channel: a real watcher would stop the bubble's clock.
type bench struct {
	path    string
	events  chan fsnotify.Event
	changes atomic.Int32
}

func watched(t *testing.T, path string, do func(b *bench)) {
	synctest.Test(t, func(t *testing.T) {
		b := &bench{path: path, events: make(chan fsnotify.Event)}
		w := New(Config{Paths: []string{path}, Changed: func() { b.changes.Add(1) }})
		ctx, stop := context.WithCancel(t.Context())
		var running sync.WaitGroup
		running.Go(func() { w.run(ctx, b.events, nil, func() {}) })
		do(b)
		stop()
		running.Wait()
	})
}

// put writes the file and, when told so, lets the kernel say so.
func (b *bench) put(t *testing.T, content string, told bool) {
	t.Helper()
	if err := os.WriteFile(b.path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	if told {
		b.events <- fsnotify.Event{}
	}
}

// pass lets fake time go by until everything has come to rest.
func pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func TestAChangeCountsOnceItHasComeToRest(t *testing.T) {
	watched(t, filepath.Join(t.TempDir(), "config.hcl"), func(b *bench) {
		pass(5 * time.Second)
		b.put(t, "half", true)
		pass(time.Second)
		b.put(t, "whole", true)
		pass(1500 * time.Millisecond)
		if b.changes.Load() != 0 {
			t.Error("reported while it moved")
		}
		pass(time.Second)
		if b.changes.Load() != 1 {
			t.Errorf("reported %d times", b.changes.Load())
		}
	})
}

func TestWhatTheKernelDoesNotReportIsFoundByPolling(t *testing.T) {
	watched(t, filepath.Join(t.TempDir(), "config.hcl"), func(b *bench) {
		pass(5 * time.Second)
		b.put(t, "new", false)
		pass(time.Minute)
		if b.changes.Load() != 1 {
			t.Errorf("reported %d times", b.changes.Load())
		}
	})
}

func TestAnEventWithoutAnotherContentIsNoChange(t *testing.T) {
	watched(t, filepath.Join(t.TempDir(), "config.hcl"), func(b *bench) {
		b.put(t, "same", false)
		pass(time.Minute)
		seen := b.changes.Load()
		b.put(t, "same", true)
		pass(time.Minute)
		if seen != 1 || b.changes.Load() != seen {
			t.Errorf("reported %d times, then %d", seen, b.changes.Load())
		}
	})
}

func TestAFolderThatNeverRestsIsReportedAllTheSame(t *testing.T) {
	watched(t, filepath.Join(t.TempDir(), "inbox"), func(b *bench) {
		for range 30 {
			b.put(t, time.Now().String(), true)
			pass(time.Second)
		}
		if b.changes.Load() == 0 {
			t.Error("never reported")
		}
	})
}

func TestAChangeBetweenTheFirstLookAndTheRunIsReported(t *testing.T) {
	path := filepath.Join(t.TempDir(), "config.hcl")
	synctest.Test(t, func(t *testing.T) {
		var changed atomic.Int32
		w := New(Config{Paths: []string{path}, Changed: func() { changed.Add(1) }})
		if err := os.WriteFile(path, []byte("new"), 0o600); err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		var running sync.WaitGroup
		running.Go(func() { w.run(ctx, nil, nil, func() {}) })
		pass(3 * time.Second)
		stop()
		running.Wait()
		if changed.Load() != 1 {
			t.Errorf("reported %d times", changed.Load())
		}
	})
}

func TestEveryWayOfReplacingAFileIsNoticedThroughTheKernel(t *testing.T) {
	for name, replace := range map[string]func(folder string) error{
		"written in place": func(folder string) error {
			return os.WriteFile(filepath.Join(folder, "config.hcl"), []byte("new"), 0o600)
		},
		"renamed over": func(folder string) error {
			temp := filepath.Join(folder, ".config.hcl.swp")
			return errors.Join(os.WriteFile(temp, []byte("new"), 0o600), os.Rename(temp, filepath.Join(folder, "config.hcl")))
		},
		"swapped as a symbolic link": func(folder string) error {
			target, link := filepath.Join(folder, "..2"), filepath.Join(folder, "..data_tmp")
			return errors.Join(os.Mkdir(target, 0o700), os.WriteFile(filepath.Join(target, "config.hcl"), []byte("new"), 0o600),
				os.Symlink("..2", link), os.Rename(link, filepath.Join(folder, "..data")))
		},
		"written behind a symbolic link": func(folder string) error {
			return os.WriteFile(filepath.Join(folder, "..1", "config.hcl"), []byte("new"), 0o600)
		},
		"removed": func(folder string) error { return os.Remove(filepath.Join(folder, "config.hcl")) },
	} {
		t.Run(name, func(t *testing.T) {
			defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
			folder := t.TempDir()
			if err := errors.Join(os.Mkdir(filepath.Join(folder, "..1"), 0o700),
				os.WriteFile(filepath.Join(folder, "..1", "config.hcl"), []byte("old"), 0o600),
				os.Symlink("..1", filepath.Join(folder, "..data")),
				os.Symlink("..data/config.hcl", filepath.Join(folder, "config.hcl"))); err != nil {
				t.Fatal(err)
			}
			changed := make(chan struct{}, 1)
			await := func(what string) {
				select {
				case <-changed:
				case <-time.After(20 * time.Second):
					t.Errorf("%s was not noticed", what)
				}
			}
			// The poll is out of reach, so that only events can bring the change.
			note := func() {
				select {
				case changed <- struct{}{}:
				default:
				}
			}
			w := New(Config{Paths: []string{filepath.Join(folder, "config.hcl")}, Changed: note,
				Settle: time.Millisecond, Poll: time.Hour})
			ctx, stop := context.WithCancel(t.Context())
			var running sync.WaitGroup
			running.Go(func() { w.Run(ctx) })
			// The look that Run begins with may take the credit for this change,
			// and for no later one.
			if err := os.WriteFile(filepath.Join(folder, "config.hcl"), []byte("first"), 0o600); err != nil {
				t.Fatal(err)
			}
			await("the first change")
			if err := replace(folder); err != nil {
				t.Fatal(err)
			}
			await("the change")
			stop()
			running.Wait()
		})
	}
}

func TestAFileThatAppearsInAWatchedFolderIsNoticed(t *testing.T) {
	folder := t.TempDir()
	before := New(Config{Paths: []string{folder}})
	if err := os.WriteFile(filepath.Join(folder, "ops.json"), []byte("{}"), 0o600); err != nil {
		t.Fatal(err)
	}
	if before.look() == before.seen {
		t.Error("it looks as before")
	}
}
