package daemon

import (
	"context"
	"fmt"
	"slices"

	"webex-tokend/daemon/wire"
	"webex-tokend/store/seal"
)

// storeKey looks for the key as the next start will. While the daemon runs it
// needs none, so that one which is lost shows at a reboot first, when it is too
// late to make another.
func (d *daemon) storeKey(ctx context.Context) *wire.StoreKey {
	slots, err := d.ring.Slots(ctx)
	if err != nil {
		return &wire.StoreKey{Fault: err.Error()}
	}
	found := &wire.StoreKey{Slots: len(slots)}
	path, key, err := d.nextKey()
	switch {
	case err != nil:
		found.Fault = err.Error()
	case !slices.ContainsFunc(slots, func(s seal.Slot) bool { return s.Key == key.ID() }):
		found.Fault = fmt.Sprintf("the key in %s is not one of this store's", path)
	}
	return found
}

// nextKey reads the key that the next start will open the store with.
func (d *daemon) nextKey() (path string, key seal.Key, err error) {
	path = seal.LocateKey(d.current.Load().Seal.KeyFile)
	key, _, err = seal.ReadKey(path)
	return path, key, err
}
