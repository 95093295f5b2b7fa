package seal

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/aead/subtle"
	"github.com/tink-crypto/tink-go/v2/keyset"

	"webex-tokend/store"
)

// slotsBlob is where the store keeps its keys.
const slotsBlob = "key slots"

const (
	slotsFormat = 1
	// maxSlots bounds how many wrapping keys there can be.
	maxSlots = 16
)

// slots is the blob, as JSON. Each slot holds the master key, wrapped by one
// wrapping key; the master key wraps the keyset, so that a rotation needs none
// of the other wrapping keys.
//
//	{"format":1, "store":"<16 bytes, hex>",
//	 "slots":[{"key":"<ID of the wrapping key>","master":"<32 bytes, wrapped>",
//	           "made":"2026-11-22T03:15:00Z","kind":"first"}],
//	 "keyset":"<Tink's binary keyset, wrapped>"}
//
// A wrapped value is nonce, 12 bytes | ciphertext | tag, 16, in base64. What it
// is and the store's id are its associated data. Slots of earlier builds have
// neither made nor kind, which are for operators: nothing is decided by them.
type slots struct {
	Format int    `json:"format"`
	Store  string `json:"store"`
	Slots  []slot `json:"slots"`
	Keyset []byte `json:"keyset"`
}

type slot struct {
	Key    string    `json:"key"`
	Master []byte    `json:"master"`
	Made   time.Time `json:"made,omitzero"`
	Kind   SlotKind  `json:"kind,omitempty"`
}

// A master is the key between wrapping keys and keyset, as itself and in use.
type master struct {
	secret store.Secret
	aead   *subtle.AESGCM
}

func makeMaster() (master, error) {
	b := make([]byte, keySize)
	rand.Read(b)
	return newMaster(b)
}

func newMaster(b []byte) (master, error) {
	a, err := subtle.NewAESGCM(b)
	if err != nil {
		return master{}, fmt.Errorf("use master key: %w", err)
	}
	return master{store.NewSecret(string(b)), a}, nil
}

func readSlots(ctx context.Context, kv store.KV) (*slots, store.Revision, error) {
	blob, err := kv.Blob(ctx, slotsBlob)
	if errors.Is(err, store.ErrNotFound) {
		return nil, store.Absent, err
	}
	if err != nil {
		return nil, 0, fmt.Errorf("read key slots: %w", err)
	}
	// The format first: of a newer one nothing else need be as expected.
	var only struct {
		Format int `json:"format"`
	}
	s := new(slots)
	switch {
	case json.Unmarshal(blob.Value, &only) != nil:
		return nil, 0, ErrDamagedSlots
	case only.Format > slotsFormat:
		return nil, 0, fmt.Errorf("key slots of format %d: %w", only.Format, store.ErrNewerFormat)
	case only.Format != slotsFormat || json.Unmarshal(blob.Value, s) != nil || len(s.Slots) > maxSlots:
		return nil, 0, ErrDamagedSlots
	}
	return s, blob.Revision, nil
}

func writeSlots(ctx context.Context, kv store.KV, expect store.Revision, s *slots) (store.Revision, error) {
	value, err := json.Marshal(s)
	if err != nil {
		return 0, fmt.Errorf("encode key slots: %w", err)
	}
	revision, err := kv.SwapBlob(ctx, slotsBlob, expect, value)
	if err != nil {
		return 0, fmt.Errorf("store key slots: %w", err)
	}
	return revision, nil
}

// createSlots makes the keys of a new store.
func createSlots(key Key) (*slots, error) {
	id := make([]byte, 16)
	rand.Read(id)
	m, err := makeMaster()
	if err != nil {
		return nil, err
	}
	handle, err := keyset.NewHandle(aead.AES256GCMKeyTemplate())
	if err != nil {
		return nil, fmt.Errorf("make keyset: %w", err)
	}
	s := &slots{Format: slotsFormat, Store: hex.EncodeToString(id)}
	return s, errors.Join(s.add(key, m, FirstSlot), s.wrap(handle, m))
}

func (s *slots) base() string { return "webex-tokend/" + s.Store + "/" }

// add gives a wrapping key its slot.
func (s *slots) add(key Key, m master, kind SlotKind) error {
	if len(s.Slots) >= maxSlots {
		return ErrManyKeys
	}
	wrapped, err := s.wrapMaster(m, key)
	if err != nil {
		return err
	}
	s.Slots = append(s.Slots, slot{key.ID(), wrapped, time.Now().UTC().Truncate(time.Second), kind})
	return nil
}

func (s *slots) wrapMaster(m master, key Key) ([]byte, error) {
	w, err := key.wrapper()
	if err != nil {
		return nil, fmt.Errorf("use key: %w", err)
	}
	wrapped, err := w.Encrypt([]byte(m.secret.Reveal()), []byte(s.base()+"master"))
	if err != nil {
		return nil, fmt.Errorf("wrap master key: %w", err)
	}
	return wrapped, nil
}

// find returns the position of a key's slot, -1 where it has none.
func (s *slots) find(id string) int {
	return slices.IndexFunc(s.Slots, func(l slot) bool { return l.Key == id })
}

// wrap puts a keyset in the place of the one before.
func (s *slots) wrap(handle *keyset.Handle, m master) error {
	var b bytes.Buffer
	if err := handle.WriteWithAssociatedData(keyset.NewBinaryWriter(&b), m.aead, []byte(s.base()+"keyset")); err != nil {
		return fmt.Errorf("wrap keyset: %w", err)
	}
	s.Keyset = b.Bytes()
	return nil
}

// open finds the slot of a key, which tells a wrong key from damage.
func (s *slots) open(key Key) (opened, error) {
	i := s.find(key.ID())
	if i < 0 {
		return opened{}, ErrWrongKey
	}
	w, err := key.wrapper()
	if err != nil {
		return opened{}, fmt.Errorf("use key: %w", err)
	}
	secret, err := w.Decrypt(s.Slots[i].Master, []byte(s.base()+"master"))
	if err != nil {
		return opened{}, ErrDamagedSlots
	}
	m, err := newMaster(secret)
	if err != nil {
		return opened{}, ErrDamagedSlots
	}
	handle, err := keyset.ReadWithAssociatedData(keyset.NewBinaryReader(bytes.NewReader(s.Keyset)), m.aead, []byte(s.base()+"keyset"))
	if err != nil {
		return opened{}, ErrDamagedSlots
	}
	return opened{m, handle}, nil
}
