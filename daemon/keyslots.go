package daemon

import (
	"context"
	"errors"

	"webex-tokend/daemon/refusal"
	"webex-tokend/daemon/vault"
	"webex-tokend/daemon/wire"
	"webex-tokend/store/seal"
)

// wrappingKeys answers for the vault in the words of the API.
type wrappingKeys struct{ of *vault.Vault }

func (k wrappingKeys) RecoveryKey(ctx context.Context) (wire.RecoveryKey, error) {
	key, err := k.of.AddKey(ctx)
	if err != nil {
		return wire.RecoveryKey{}, refusedKey(err)
	}
	return wire.RecoveryKey{ID: key.ID(), Key: key.Text().Reveal()}, nil
}

func (k wrappingKeys) KeySlots(ctx context.Context) (wire.KeySlots, error) {
	list, err := k.of.Keys(ctx)
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

func (k wrappingKeys) ForgetKey(ctx context.Context, id string) (wire.KeySlots, error) {
	if err := k.of.ForgetKey(ctx, id); err != nil {
		return wire.KeySlots{}, refusedKey(err)
	}
	return k.KeySlots(ctx)
}

// refusedKey says in the words of the API why a wrapping key is not made or not
// forgotten.
func refusedKey(err error) error {
	_, needed := errors.AsType[*vault.NextKeyError](err)
	switch {
	case errors.Is(err, seal.ErrManyKeys):
		return &refusal.Error{Kind: refusal.Conflict, Detail: err.Error(), Action: "webex-tokend key slots"}
	case errors.Is(err, seal.ErrNoSlot):
		return &refusal.Error{Kind: refusal.NoSuchGrant, Detail: err.Error()} // as the API has it, 404
	case errors.Is(err, seal.ErrOwnSlot), needed:
		return &refusal.Error{Kind: refusal.Conflict, Detail: err.Error()}
	}
	return err
}
