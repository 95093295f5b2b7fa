package seal

import (
	"context"

	"github.com/tink-crypto/tink-go/v2/keyset"
)

// opened is what a wrapping key opens in the slots.
type opened struct {
	master master
	handle *keyset.Handle
}

// change makes one change to the slots: durable first, then in force. Until it
// is durable nothing is sealed by a key that a crash would lose. The slots are
// read again and opened by the own key each time, so that a change whose
// outcome nobody learned is found as it ended. What the own key would not open
// any more is not stored.
func (r *Ring) change(ctx context.Context, apply func(*slots, opened) error) error {
	r.changing.Lock()
	defer r.changing.Unlock()
	s, revision, err := readSlots(ctx, r.kv)
	if err != nil {
		return err
	}
	o, err := s.open(r.own)
	if err != nil {
		return err
	}
	if err := apply(s, o); err != nil {
		return err
	}
	if o, err = s.open(r.own); err != nil {
		return err
	}
	next, err := newSealer(o.handle)
	if err != nil {
		return err
	}
	if _, err := writeSlots(ctx, r.kv, revision, s); err != nil {
		return err
	}
	r.current.Store(next)
	return nil
}
