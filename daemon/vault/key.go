package vault

import (
	"context"
	"fmt"
	"slices"

	"webex-tokend/daemon/wire"
	"webex-tokend/store/seal"
)

// Key looks for the key as the next start will. While the daemon runs it
// needs none, so that one which is lost shows at a reboot first, when it is too
// late to make another.
func (v *Vault) Key(ctx context.Context) *wire.StoreKey {
	slots, err := v.ring.Slots(ctx)
	if err != nil {
		return &wire.StoreKey{Fault: err.Error()}
	}
	found := &wire.StoreKey{Slots: len(slots)}
	path, key, err := v.nextKey()
	switch {
	case err != nil:
		found.Fault = err.Error()
	case !slices.ContainsFunc(slots, func(s seal.Slot) bool { return s.Key == key.ID() }):
		found.Fault = fmt.Sprintf("the key in %s is not one of this store's", path)
	}
	return found
}

// nextKey reads the key that the next start will open the store with.
func (v *Vault) nextKey() (path string, key seal.Key, err error) {
	path = seal.LocateKey(v.cfg.KeyFile())
	key, _, err = seal.ReadKey(path)
	return path, key, err
}

// A NextKeyError refuses to forget a key that the next start will read, which is
// another one than the daemon works with after a key file was replaced.
type NextKeyError struct{ Path string }

func (e *NextKeyError) Error() string {
	return e.Path + " holds that key, and the next start needs it"
}

// AddKey makes one more wrapping key that opens the store: seal.ErrManyKeys when
// there are too many.
func (v *Vault) AddKey(ctx context.Context) (seal.Key, error) {
	key, err := v.ring.AddKey(ctx)
	if err == nil {
		v.log.Info("another wrapping key opens the store from now on", "key", key.ID())
	}
	return key, err
}

// Keys lists the wrapping keys that open the store.
func (v *Vault) Keys(ctx context.Context) ([]seal.Slot, error) { return v.ring.Slots(ctx) }

// ForgetKey refuses the key that the daemon works with by seal.ErrOwnSlot, the
// one that its next start will read by a *NextKeyError, and one that is none of
// the store's by seal.ErrNoSlot.
func (v *Vault) ForgetKey(ctx context.Context, id string) error {
	if path, next, err := v.nextKey(); err == nil && next.ID() == id {
		return &NextKeyError{path}
	}
	if err := v.ring.Forget(ctx, id); err != nil {
		return err
	}
	v.log.Info("a wrapping key does not open the store any more", "key", id)
	return nil
}
