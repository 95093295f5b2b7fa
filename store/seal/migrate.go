package seal

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"

	"webex-tokend/store"
	"webex-tokend/store/boltkv"
)

// Migrate seals a store from before there was sealing, which nobody may have
// open. What it was before stays until the sealed one is whole; see
// boltkv.Convert.
func Migrate(cfg boltkv.Config, key Key) error {
	s, err := createSlots(key)
	if err != nil {
		return err
	}
	// Nothing is sealed with a key that could not be had back.
	r, err := newRing(nil, s, key, func() error { return nil })
	if err != nil {
		return err
	}
	value, err := json.Marshal(s)
	if err != nil {
		return fmt.Errorf("encode key slots: %w", err)
	}
	err = boltkv.Convert(cfg, boltkv.Conversion{
		Row:    func(name string, b []byte) ([]byte, error) { return r.sealOnce(store.RecordPlace+name, b) },
		Intent: func(name string, b []byte) ([]byte, error) { return r.sealOnce(store.IntentPlace+name, b) },
		Blob: func(key string, b []byte) ([]byte, error) {
			switch key {
			case store.IdentityBlob:
				return r.sealOnce(store.IdentityPlace, b)
			case slotsBlob:
				return nil, errors.New("it is sealed already")
			}
			return b, nil
		},
		Add: map[string][]byte{slotsBlob: value},
	})
	if err != nil {
		return fmt.Errorf("seal store: %w", err)
	}
	return nil
}

// sealOnce opens again what it sealed: the unsealed value is about to go.
func (r *Ring) sealOnce(place string, plain []byte) ([]byte, error) {
	sealed, err := r.Seal(place, plain)
	if err != nil {
		return nil, err
	}
	if back, err := r.Open(place, sealed); err != nil || !bytes.Equal(back, plain) {
		return nil, errors.New("what was sealed does not open")
	}
	return sealed, nil
}
