package daemon

import (
	"context"
	"errors"

	"webex-tokend/daemon/keeper"
	"webex-tokend/daemon/wire"
	"webex-tokend/store/seal"
)

func (d *daemon) recoveryKey(ctx context.Context) (wire.RecoveryKey, error) {
	key, err := d.ring.AddKey(ctx)
	if errors.Is(err, seal.ErrManyKeys) {
		return wire.RecoveryKey{}, &keeper.Refusal{Kind: keeper.Conflict, Detail: err.Error(), Action: "webex-tokend key slots"}
	}
	if err != nil {
		return wire.RecoveryKey{}, err
	}
	d.log.Info("another wrapping key opens the store from now on", "key", key.ID())
	return wire.RecoveryKey{ID: key.ID(), Key: key.Text().Reveal()}, nil
}

func (d *daemon) keySlots(ctx context.Context) (wire.KeySlots, error) {
	list, err := d.ring.Slots(ctx)
	if err != nil {
		return wire.KeySlots{}, err
	}
	slots := wire.KeySlots{Slots: make([]wire.KeySlot, 0, len(list))}
	for _, s := range list {
		shown := wire.KeySlot{ID: s.Key, Kind: string(s.Kind), Own: s.Own}
		if !s.Made.IsZero() {
			shown.Made = &s.Made
		}
		slots.Slots = append(slots.Slots, shown)
	}
	return slots, nil
}

// forgetKey refuses the key that the daemon works with, and the one that its
// next start will read, which is another one after a key file was replaced.
func (d *daemon) forgetKey(ctx context.Context, id string) (wire.KeySlots, error) {
	if path, next, err := d.nextKey(); err == nil && next.ID() == id {
		return wire.KeySlots{}, &keeper.Refusal{Kind: keeper.Conflict, Detail: path + " holds that key, and the next start needs it"}
	}
	err := d.ring.Forget(ctx, id)
	switch {
	case errors.Is(err, seal.ErrNoSlot):
		return wire.KeySlots{}, &keeper.Refusal{Kind: keeper.NoSuchGrant, Detail: err.Error()} // as the API has it, 404
	case errors.Is(err, seal.ErrOwnSlot):
		return wire.KeySlots{}, &keeper.Refusal{Kind: keeper.Conflict, Detail: err.Error()}
	case err != nil:
		return wire.KeySlots{}, err
	}
	d.log.Info("a wrapping key does not open the store any more", "key", id)
	return d.keySlots(ctx)
}
