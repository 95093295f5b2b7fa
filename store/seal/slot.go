package seal

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// A Slot is the place of one wrapping key in the store. It tells nothing of the
// key.
type Slot struct {
	Key  string    // ID of the wrapping key
	Made time.Time // UTC, whole seconds; zero: by a build that did not note it
	Kind SlotKind  // empty: by a build that did not note it
	Own  bool      // the store was opened by this one
}

// A SlotKind says what a wrapping key was made for. Any of them opens the store.
type SlotKind string

const (
	FirstSlot    SlotKind = "first"    // the key that the store was made or sealed with
	RecoverySlot SlotKind = "recovery" // made later, by AddKey
)

// ErrManyKeys of AddKey: one has to be forgotten first.
var ErrManyKeys = fmt.Errorf("the store has %d keys already", maxSlots)

// Errors of Forget.
var (
	// ErrNoSlot: no wrapping key of that ID opens the store.
	ErrNoSlot = errors.New("no key of this store has that ID")
	// ErrOwnSlot: the store was opened by that key. So the last slot never goes.
	ErrOwnSlot = errors.New("the store is open by that very key")
)

// Slots lists the wrapping keys that open the store, in the order in which they
// were made.
func (r *Ring) Slots(ctx context.Context) ([]Slot, error) {
	s, _, err := readSlots(ctx, r.kv)
	if err != nil {
		return nil, err
	}
	list := make([]Slot, 0, len(s.Slots))
	for _, l := range s.Slots {
		list = append(list, Slot{l.Key, l.Made, l.Kind, l.Key == r.own.ID()})
	}
	return list, nil
}

// AddKey makes another wrapping key and gives it a slot. From then on either
// key opens the store.
func (r *Ring) AddKey(ctx context.Context) (Key, error) {
	key := NewKey()
	err := r.change(ctx, func(s *slots, o opened) error { return s.add(key, o.master, RecoverySlot) })
	return key, err
}

// Forget takes its slot from a wrapping key, which does not open the store any
// more. Older copies of the store have that slot still, and whoever opens one
// has the master key in it. That one is replaced as soon as no other wrapping
// key needs it, which is when the own slot is the last: the others are not here
// to wrap a new one.
func (r *Ring) Forget(ctx context.Context, id string) error {
	return r.change(ctx, func(s *slots, o opened) error {
		i := s.find(id)
		switch {
		case i < 0:
			return ErrNoSlot
		case id == r.own.ID():
			return ErrOwnSlot
		}
		s.Slots = slices.Delete(s.Slots, i, i+1)
		if len(s.Slots) > 1 {
			return nil
		}
		fresh, err := makeMaster()
		if err != nil {
			return err
		}
		if s.Slots[0].Master, err = s.wrapMaster(fresh, r.own); err != nil {
			return err
		}
		return s.wrap(o.handle, fresh)
	})
}
