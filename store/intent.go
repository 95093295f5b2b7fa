package store

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"
)

// A Nonce tells one intent from every other one of its grant.
type Nonce [8]byte

// NewNonce returns one that was never used.
func NewNonce() (n Nonce) {
	rand.Read(n[:])
	return n
}

// An Intent is the durable note that a refresh is about to be sent. It stays
// open until the outcome is stored, whatever time that takes.
type Intent struct {
	At          time.Time
	Attempt     uint64 // 1 at first; counts on while the outcome stays unknown
	Generation  uint64
	Fingerprint Fingerprint // of the refresh token to be sent
	// Owner is the member of the cluster that made it, Nonce which one it is.
	// Both are zero in intents of builds that knew one host alone.
	Owner string
	Nonce Nonce
}

// An OpenIntent is a refresh whose outcome is not stored, as it was read: only
// the intent that stands can be closed or replaced.
type OpenIntent struct {
	Name string
	Intent
	sealed []byte
}

// Same reports whether both are one intent, under whatever key it is sealed.
func (o OpenIntent) Same(other OpenIntent) bool {
	return bytes.Equal(o.sealed, other.sealed) || o.Nonce != (Nonce{}) && o.Nonce == other.Nonce
}

// ErrIntentLost: the record is as it was read, but the intent that an update was
// to close no longer stands: somebody has closed or replaced it.
var ErrIntentLost = errors.New("the intent was closed by another host")

// Claim makes an intent durable if the record still has that revision and
// nothing is open but over; nil: nothing at all. It gives the intent its nonce.
// ErrConflict says that the record, or what is open, is another one. After any
// other error what it returns may stand or not.
func (s *Store) Claim(ctx context.Context, name string, expect Revision, i Intent, over *OpenIntent) (*OpenIntent, error) {
	defer s.uses.begin().Done()
	i.Nonce = NewNonce()
	if over != nil {
		there := *over
		over = &there
	}
	value, err := s.seal.Seal(intentPlace+name, encodeIntent(i))
	if err != nil {
		return nil, fmt.Errorf("seal intent of grant %s: %w", name, err)
	}
	for {
		mark := Mark{Index: OpenIndex, Value: value, Vacant: over == nil}
		if over != nil {
			mark.If = over.sealed
			if over.Owner != i.Owner {
				mark.Gone = over.Owner
			}
		}
		_, err = s.kv.Swap(ctx, Change{Name: name, Expect: expect, Marks: []Mark{mark}, Acting: true})
		if err == nil {
			return &OpenIntent{Name: name, Intent: i, sealed: value}, nil
		}
		if !errors.Is(err, ErrConflict) {
			return &OpenIntent{Name: name, Intent: i, sealed: value}, err
		}
		if over == nil || !s.resealed(ctx, over) {
			return nil, err
		}
	}
}

// Intent returns what is open for a grant, ErrNotFound when nothing is. One that
// does not open is returned all the same: it still says that a refresh was sent.
func (s *Store) Intent(ctx context.Context, name string) (OpenIntent, error) {
	defer s.uses.begin().Done()
	value, err := s.kv.Mark(ctx, OpenIndex, name)
	if err != nil {
		return OpenIntent{}, err
	}
	return s.openIntent(name, value), nil
}

// Withdraw closes an intent of which nothing was sent. One that does not stand
// any more is no error.
func (s *Store) Withdraw(ctx context.Context, o OpenIntent) error {
	defer s.uses.begin().Done()
	for {
		_, err := s.kv.Swap(ctx, Change{Name: o.Name, Expect: Any, Marks: []Mark{{Index: OpenIndex, If: o.sealed}}})
		if !errors.Is(err, ErrConflict) {
			return err
		}
		if !s.resealed(ctx, &o) {
			return nil
		}
	}
}

// Intents returns up to limit open intents after that name.
func (s *Store) Intents(ctx context.Context, after string, limit int) ([]OpenIntent, error) {
	defer s.uses.begin().Done()
	marks, err := s.kv.Range(ctx, Query{Index: OpenIndex, After: Position{Name: after}, Limit: limit})
	if err != nil {
		return nil, err
	}
	list := make([]OpenIntent, 0, len(marks))
	for _, m := range marks {
		list = append(list, s.openIntent(m.Name, m.Value))
	}
	return list, nil
}

func (s *Store) openIntent(name string, sealed []byte) OpenIntent {
	o := OpenIntent{Name: name, sealed: sealed}
	if plain, err := s.seal.Open(intentPlace+name, sealed); err == nil {
		o.Intent, _ = decodeIntent(plain)
	}
	return o
}

// resealed reports whether the same intent stands under other sealed bytes, as
// after a rotation of keys, and takes note of them.
func (s *Store) resealed(ctx context.Context, o *OpenIntent) bool {
	value, err := s.kv.Mark(ctx, OpenIndex, o.Name)
	if err != nil || bytes.Equal(value, o.sealed) {
		return false
	}
	there := s.openIntent(o.Name, value)
	if there.Nonce == (Nonce{}) || there.Nonce != o.Nonce {
		return false
	}
	o.sealed = value
	return true
}

// An encoded intent is the format version, then
//
//	1 at  2 attempt  3 generation  4 fingerprint, 8 bytes  5 owner  6 nonce, 8 bytes
//
// in the encoding of records. Unknown fields are skipped.

func encodeIntent(i Intent) []byte {
	b := make([]byte, 1, 32)
	b[0] = formatVersion
	b = appendTime(b, 1, i.At)
	b = appendUint(b, 2, i.Attempt)
	b = appendUint(b, 3, i.Generation)
	b = appendBytes(b, 4, i.Fingerprint[:])
	b = appendText(b, 5, i.Owner)
	if i.Nonce != (Nonce{}) {
		b = appendBytes(b, 6, i.Nonce[:])
	}
	return b
}

func decodeIntent(b []byte) (Intent, error) {
	b, err := cutVersion(b)
	if err != nil {
		return Intent{}, err
	}
	var i Intent
	f := readFields(b)
	for f.next() {
		switch f.number {
		case 1:
			i.At = f.time()
		case 2:
			i.Attempt = f.uint()
		case 3:
			i.Generation = f.uint()
		case 4:
			if len(f.octets()) != len(i.Fingerprint) {
				return Intent{}, errors.New("its fingerprint has the wrong length")
			}
			i.Fingerprint = Fingerprint(f.bytes)
		case 5:
			i.Owner = f.text()
		case 6:
			if len(f.octets()) != len(i.Nonce) {
				return Intent{}, errors.New("its nonce has the wrong length")
			}
			i.Nonce = Nonce(f.bytes)
		}
	}
	if f.err != nil {
		return Intent{}, f.err
	}
	return i, nil
}
