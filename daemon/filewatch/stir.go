package filewatch

import (
	"context"
	"time"

	"github.com/fsnotify/fsnotify"

	"webex-tokend/daemon/disk"
)

const (
	// calm lets what comes together be looked at together.
	calm = 100 * time.Millisecond
	// resubscribe is how often folders that come and go are asked for again.
	resubscribe = 5 * time.Second
)

// Stirs sends when something may have changed in one of the folders, at the latest
// after poll, until ctx is done; then it closes the channel. It looks at nothing: a
// kernel that cannot watch, a folder that is not there or a file system that reports
// nothing costs time alone. Folders is called now and then.
func Stirs(ctx context.Context, poll time.Duration, folders func() []string) <-chan struct{} {
	stirs := make(chan struct{})
	go func() {
		defer close(stirs)
		var events <-chan fsnotify.Event
		var errs <-chan error
		kernel, err := fsnotify.NewWatcher()
		if err == nil {
			defer kernel.Close()
			events, errs = kernel.Events, kernel.Errors
		}
		var calls disk.Calls
		subscribe := func() {
			if kernel == nil {
				return
			}
			for _, folder := range folders() {
				_, _ = disk.Do(&calls, folder, func() (struct{}, error) { return struct{}{}, kernel.Add(folder) })
			}
		}
		subscribe()
		again := time.NewTicker(resubscribe)
		defer again.Stop()
		next := time.NewTimer(poll)
		defer next.Stop()
		soon := false
		for {
			select {
			case <-ctx.Done():
				return
			case <-again.C:
				subscribe()
				continue
			case <-events:
			case <-errs: // an overflow, for one: events were lost
			case <-next.C:
				select {
				case stirs <- struct{}{}:
				case <-ctx.Done():
					return
				}
				next.Reset(poll)
				soon = false
				continue
			}
			if !soon {
				soon = true
				next.Reset(calm)
			}
		}
	}()
	return stirs
}
