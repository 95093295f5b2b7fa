package daemon

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"webex-tokend/daemon/duration"
)

// settleAgain is how often a store that could not be written at the start is tried.
const settleAgain = 2 * time.Second

// settle marks what an older copy of the store must not refresh. Where the disk
// takes no writes it lets the daemon serve what it has: nothing is sent before the
// store has been written, and every doubt about it noted.
func (d *daemon) settle(ctx context.Context) error {
	try := func(ctx context.Context) error {
		return d.vault.Settle(ctx, func(ctx context.Context) (marked int, err error) {
			return d.fleet.Registry.Distrust(ctx, func(looked int) {
				d.notify.starting(fmt.Sprintf("Looking for grants that an older store must not refresh, %d so far.", looked))
			})
		})
	}
	err := try(ctx)
	if !takesNoWrites(err) {
		return err
	}
	d.fleet.Trust.Suspend(err)
	d.log.Error("the store cannot be written: its tokens are served, and nothing is refreshed until it can be", "error", err)
	d.tasks.Go(func() {
		for duration.Wait(d.watching, settleAgain) {
			if err := try(d.watching); err != nil {
				d.fleet.Trust.Suspend(err)
				continue
			}
			d.fleet.Trust.Resume()
			d.log.Info("the store can be written again")
			return
		}
	})
	return nil
}

// takesNoWrites tells the faults of a disk that may still be read.
func takesNoWrites(err error) bool {
	return slices.ContainsFunc([]error{unix.EROFS, unix.ENOSPC, unix.EDQUOT, unix.EFBIG, unix.EIO, unix.EPERM, unix.EACCES},
		func(errno error) bool { return errors.Is(err, errno) })
}
