package daemon

import (
	"context"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"

	"webex-tokend/daemon/disk"
	"webex-tokend/daemon/duration"
)

// lookAtRoom is how often it is looked how much room the store's disk has.
const lookAtRoom = 10 * time.Second

// A room is what is left on the disk of the store, as it was seen last.
type room struct {
	calls disk.Calls

	mu    sync.Mutex
	free  int64
	short string // why answers may soon find no room; empty: they will
}

// watch looks until ctx ends. A disk that does not answer holds up nobody else.
func (r *room) watch(ctx context.Context, folder string, log hclog.Logger) {
	for {
		r.look(folder, log)
		if !duration.Wait(ctx, lookAtRoom) {
			return
		}
	}
}

func (r *room) look(folder string, log hclog.Logger) {
	is, err := disk.Do(&r.calls, folder, func() (disk.Room, error) { return disk.RoomOf(folder, storeIn(folder)) })
	short := is.Shortage()
	if err != nil {
		short = err.Error()
	}
	r.mu.Lock()
	before := r.short
	r.free, r.short = is.Free, short
	r.mu.Unlock()
	switch {
	case before == "" && short != "":
		log.Warn("little room on the disk of the store", "folder", folder, "reason", short)
	case before != "" && short == "":
		log.Info("there is room on the disk of the store again", "folder", folder)
	}
}

func (r *room) left() (free int64, short string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.free, r.short
}
