// Package seal encrypts what the store keeps: records, intents, the key of the
// fingerprints.
//
// It promises that what it sealed opens only in the same store, under the same
// place (the kind of thing and its name) and the same format, and that none of
// its errors or values shows a key. It does not hide names, sizes or the
// indexes, and it cannot tell an older sealed value of the same place from the
// newest one.
//
// Two layers of keys stand behind that. Tink's keyset, AES-256-GCM with a
// random nonce for each value, seals values; it lives in the store, in the blob
// of the key slots, and can be rotated. Wrapping keys live outside the store
// and open that blob, each its own slot, so that one can be lost or changed
// without touching a record.
package seal

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/keyset"
	"github.com/tink-crypto/tink-go/v2/tink"

	"webex-tokend/store"
)

// Errors of opening a store's keys. A missing key is a *MissingKeyError, key
// slots of a newer format are store.ErrNewerFormat.
var (
	// ErrWrongKey: the key opens none of the slots.
	ErrWrongKey = errors.New("the key is not one of this store's")
	// ErrUnsealed: the store has an identity and no key slots. Nothing in it is
	// believed, since anybody who could write the file may have made it.
	ErrUnsealed = errors.New("the store was never sealed, or its key slots were removed")
	// ErrDamagedSlots: the key is one of this store's, but what it opens is
	// not what was written.
	ErrDamagedSlots = errors.New("the key slots of the store are damaged")
)

// A Ring seals and opens values. It is safe for concurrent use.
type Ring struct {
	kv   store.KV
	base string // what associated data begins with
	own  Key    // by which the slots were opened

	// changing is held while the key slots are changed: by one at a time.
	changing sync.Mutex
	seen     store.Revision // of the slots that Reload has read
	current  atomic.Pointer[sealer]
}

// A sealer is a keyset in use.
type sealer struct {
	handle  *keyset.Handle
	aead    tink.AEAD
	primary uint32
}

// Open opens the keys of a store. In an empty store it makes them; then and
// only then is anything written. Of several hosts that find it empty at once the
// first one makes them.
func Open(ctx context.Context, kv store.KV, key Key) (*Ring, error) {
	for {
		r, err := open(ctx, kv, key)
		if !errors.Is(err, store.ErrConflict) {
			return r, err
		}
		select { // what the other host wrote is on its way
		case <-time.After(10 * time.Millisecond):
		case <-ctx.Done():
			return nil, fmt.Errorf("open the keys that another host has made: %w", ctx.Err())
		}
	}
}

func open(ctx context.Context, kv store.KV, key Key) (*Ring, error) {
	slots, revision, err := readSlots(ctx, kv)
	if errors.Is(err, store.ErrNotFound) {
		if err := mustBeEmpty(ctx, kv); err != nil {
			if _, _, again := readSlots(ctx, kv); again == nil {
				return nil, store.ErrConflict // they came while we looked
			}
			return nil, err
		}
		slots, err = createSlots(key)
		if err != nil {
			return nil, err
		}
		return newRing(kv, slots, key, func() error {
			_, err := writeSlots(ctx, kv, revision, slots)
			return err
		})
	}
	if err != nil {
		return nil, err
	}
	return newRing(kv, slots, key, func() error { return nil })
}

// newRing writes nothing before it has opened the slots.
func newRing(kv store.KV, slots *slots, key Key, save func() error) (*Ring, error) {
	o, err := slots.open(key)
	if err != nil {
		return nil, err
	}
	s, err := newSealer(o.handle)
	if err != nil {
		return nil, err
	}
	r := &Ring{kv: kv, base: slots.base(), own: key}
	r.current.Store(s)
	return r, save()
}

// mustBeEmpty tells a fresh store from one whose slots are missing.
func mustBeEmpty(ctx context.Context, kv store.KV) error {
	_, err := kv.Blob(ctx, store.IdentityBlob)
	if err == nil {
		return ErrUnsealed
	}
	if !errors.Is(err, store.ErrNotFound) {
		return fmt.Errorf("look for the store's identity: %w", err)
	}
	rows, err := kv.List(ctx, "", 1)
	if err != nil {
		return fmt.Errorf("look for records: %w", err)
	}
	if len(rows) > 0 {
		return ErrDamagedSlots
	}
	return nil
}

func newSealer(handle *keyset.Handle) (*sealer, error) {
	a, err := aead.New(handle)
	if err != nil {
		return nil, fmt.Errorf("use keyset: %w", err)
	}
	return &sealer{handle, a, handle.KeysetInfo().GetPrimaryKeyId()}, nil
}

// A sealed value is
//
//	format, 1 byte | 01 | key id, 4 bytes | nonce, 12 | ciphertext | tag, 16
//
// where everything behind the format is as Tink writes it. The format is in
// the associated data, see place. It is none of those that an unsealed record
// or intent begins with, so that neither is ever taken for the other.
const (
	sealedFormat = 'S'
	prefixSize   = 1 + 5
	// Overhead is how much longer a value becomes.
	Overhead = prefixSize + 12 + 16
)

var errSealed = errors.New("it does not open: damaged, or sealed elsewhere")

// Seal encrypts a value for a place, such as "record/ops".
func (r *Ring) Seal(place string, plain []byte) ([]byte, error) {
	sealed, err := r.current.Load().aead.Encrypt(plain, r.place(place))
	if err != nil {
		return nil, err
	}
	return append([]byte{sealedFormat}, sealed...), nil
}

// Open decrypts what Seal made for that place. Its errors hold nothing of the
// content.
func (r *Ring) Open(place string, sealed []byte) ([]byte, error) {
	if len(sealed) < Overhead || sealed[0] != sealedFormat {
		return nil, errSealed
	}
	used := r.current.Load()
	plain, err := used.aead.Decrypt(sealed[1:], r.place(place))
	if err != nil && !used.knows(binary.BigEndian.Uint32(sealed[2:prefixSize])) && r.Reload(context.Background()) == nil {
		// Another host has made a key since.
		plain, err = r.current.Load().aead.Decrypt(sealed[1:], r.place(place))
	}
	if err != nil {
		return nil, errSealed
	}
	return plain, nil
}

func (s *sealer) knows(key uint32) bool {
	for _, info := range s.handle.KeysetInfo().GetKeyInfo() {
		if info.GetKeyId() == key {
			return true
		}
	}
	return false
}

// Epoch names the key by which everything is sealed now.
func (r *Ring) Epoch() uint32 { return r.current.Load().primary }

// Reload reads the key slots again where another host may have changed them. A
// key that opens none of them any more leaves the ring as it is.
func (r *Ring) Reload(ctx context.Context) error {
	r.changing.Lock()
	defer r.changing.Unlock()
	slots, revision, err := readSlots(ctx, r.kv)
	if err != nil || revision == r.seen {
		return err
	}
	o, err := slots.open(r.own)
	if err != nil {
		return err
	}
	s, err := newSealer(o.handle)
	if err != nil {
		return err
	}
	r.current.Store(s)
	r.seen = revision
	return nil
}

// place is the associated data: store, format of sealed values, place.
func (r *Ring) place(name string) []byte {
	b := make([]byte, 0, len(r.base)+1+len(name))
	b = append(b, r.base...)
	b = append(b, sealedFormat)
	return append(b, name...)
}
