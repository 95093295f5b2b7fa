// Package filewatch reports when files and folders have changed and come to
// rest.
package filewatch

import (
	"cmp"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/fsnotify/fsnotify"
	"github.com/hashicorp/go-hclog"
)

// Config says what to watch.
type Config struct {
	// Paths are files, which count by their content, and folders, which count
	// by the names, sizes and times of what stands in them. They need not
	// exist yet.
	Paths []string
	// Changed is called by Run, one call at a time.
	Changed func()
	// Settle is the pause between two looks that have to agree before a change
	// counts; 0 means 1 s.
	Settle time.Duration
	// Poll is the interval of looks without an event, for file systems that report none;
	// 0 means 30 s.
	Poll time.Duration
	// Log receives one line when the kernel cannot watch; nil is silent.
	Log hclog.Logger
}

// busyLooks bounds the wait for a folder in which something always moves.
const busyLooks = 10

// A Watch calls back when what it looks at has changed and come to rest. It
// looks at content and not at events, so that it does not matter how a file is
// replaced: in place, by an editor's rename, or by the swap of a symbolic link
// as Kubernetes does. Events only make it look sooner.
type Watch struct {
	cfg  Config
	seen string
}

// New takes the first look. What changes from then on is reported, also
// when Run begins later.
func New(cfg Config) *Watch {
	cfg.Settle = cmp.Or(cfg.Settle, time.Second)
	cfg.Poll = cmp.Or(cfg.Poll, 30*time.Second)
	if cfg.Log == nil {
		cfg.Log = hclog.NewNullLogger()
	}
	w := &Watch{cfg: cfg}
	w.seen = w.look()
	return w
}

// Run watches until ctx is done.
func (w *Watch) Run(ctx context.Context) {
	kernel, err := fsnotify.NewWatcher()
	if err != nil {
		w.cfg.Log.Warn("cannot watch files, polling instead", "every", w.cfg.Poll, "error", err)
		w.run(ctx, nil, nil, func() {})
		return
	}
	defer kernel.Close()
	w.run(ctx, kernel.Events, kernel.Errors, func() {
		for _, folder := range w.folders() {
			// A folder that is not there yet is tried again at the next poll.
			_ = kernel.Add(folder)
		}
	})
}

// run is the loop without the kernel behind it. subscribe asks for events
// again, because folders come and go.
func (w *Watch) run(ctx context.Context, events <-chan fsnotify.Event, errs <-chan error, subscribe func()) {
	poll := time.NewTicker(w.cfg.Poll)
	defer poll.Stop()
	subscribe()
	// What changed before the subscription raised no event.
	next := time.After(w.cfg.Settle)
	last, looks := w.seen, 0
	for {
		select {
		case <-ctx.Done():
			return
		case <-events:
		case <-errs: // an overflow, for one: events were lost
		case <-poll.C:
			subscribe()
		case <-next:
			next = nil
			now := w.look()
			looks++
			switch {
			case now == w.seen:
				last, looks = now, 0
				continue
			case now == last || looks == busyLooks:
				w.seen, last, looks = now, now, 0
				subscribe()
				w.cfg.Changed()
				continue
			}
			last = now
		}
		if next == nil {
			next = time.After(w.cfg.Settle)
		}
	}
}

// folders are those whose events matter: the one that a path stands in, the
// one that its target stands in, and the path itself when it is a folder.
func (w *Watch) folders() []string {
	var list []string
	for _, path := range w.cfg.Paths {
		if info, err := os.Stat(path); err == nil && info.IsDir() {
			list = append(list, path)
			continue
		}
		list = append(list, filepath.Dir(path))
		if target, err := filepath.EvalSymlinks(path); err == nil {
			list = append(list, filepath.Dir(target))
		}
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// look sums up what stands at the paths.
func (w *Watch) look() string {
	sum := sha256.New()
	for _, path := range w.cfg.Paths {
		fmt.Fprintf(sum, "%q ", path)
		if err := describe(sum, path); err != nil {
			fmt.Fprintf(sum, "%q", err)
		}
	}
	return string(sum.Sum(nil))
}

func describe(to io.Writer, path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	switch {
	case info.Mode().IsRegular():
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		defer f.Close()
		fmt.Fprintf(to, "%d ", info.Size())
		_, err = io.Copy(to, f)
		return err
	case info.IsDir():
		entries, err := os.ReadDir(path)
		for _, e := range entries {
			if info, err := e.Info(); err == nil {
				fmt.Fprintf(to, "%q %d %d ", e.Name(), info.Size(), info.ModTime().UnixNano())
			}
		}
		return err
	}
	return fmt.Errorf("%s is neither file nor folder", path)
}
