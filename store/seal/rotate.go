package seal

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/keyset"

	"webex-tokend/store"
)

// Rotating reports whether values may still be sealed by a key that is to go.
func (r *Ring) Rotating() bool { return r.current.Load().handle.Len() > 1 }

// Renew makes a new key, by which everything is sealed from its return on. What
// was sealed before opens as before; Retire ends that. While a rotation is
// under way there is nothing to do.
func (r *Ring) Renew(ctx context.Context) error {
	if r.Rotating() {
		return nil
	}
	return r.change(ctx, func(s *slots, o opened) error {
		m := keyset.NewManagerFromHandle(o.handle)
		id, err := m.Add(aead.AES256GCMKeyTemplate())
		if err == nil {
			err = m.SetPrimary(id)
		}
		if err != nil {
			return fmt.Errorf("add key: %w", err)
		}
		return s.replace(m, o.master)
	})
}

func (s *slots) replace(m *keyset.Manager, wrapping master) error {
	handle, err := m.Handle()
	if err != nil {
		return fmt.Errorf("change keyset: %w", err)
	}
	return s.wrap(handle, wrapping)
}

// resealBlob remembers how far Retire came, so that a restart goes on there.
const resealBlob = "reseal"

type resealCursor struct {
	Key    uint32 `json:"key"`   // by which everything is being sealed
	After  string `json:"after"` // name of the last record looked at
	Sealed int    `json:"sealed"`
	Failed int    `json:"failed"` // did not open
}

// resealedAtOnce records go by between two writes of the cursor.
const resealedAtOnce = 256

// ErrKept: records that do not open may need the old keys, which stay.
var ErrKept = errors.New("records that do not open keep the old keys in use")

// Retire seals anew what older keys sealed and then drops those keys. It can be
// ended at any point and goes on where it was, also in another process:
//
//  1. Writes that were sealed before the new key was in force are waited for,
//     so that none of them appears behind the walk.
//  2. The walk: records in the order of their names, each from the revision
//     that was read; the cursor follows behind, never ahead.
//  3. Intents and the identity.
//  4. Reads that may hold what an old key sealed are waited for.
//  5. Only then the old keys go, in one write of the slots.
//
// progress is told the number of records that have been dealt with; it may be
// nil.
func (r *Ring) Retire(ctx context.Context, s *store.Store, progress func(done int)) error {
	if !r.Rotating() {
		return nil
	}
	if err := s.Settle(ctx); err != nil {
		return err
	}
	cursor, revision, err := r.loadCursor(ctx)
	if err != nil {
		return err
	}
	for more := true; more; {
		page, err := s.Reseal(ctx, cursor.After, resealedAtOnce, r.stale)
		if err != nil {
			return fmt.Errorf("seal records anew: %w", err)
		}
		more = page.Last != ""
		if !more {
			break
		}
		cursor.After = page.Last
		cursor.Sealed += page.Records
		cursor.Failed += page.Damaged
		value, err := json.Marshal(cursor)
		if err != nil {
			return fmt.Errorf("encode cursor: %w", err)
		}
		if revision, err = r.kv.SwapBlob(ctx, resealBlob, revision, value); err != nil {
			return fmt.Errorf("store cursor: %w", err)
		}
		if progress != nil {
			progress(cursor.Sealed)
		}
	}
	if err := s.ResealRest(ctx, r.stale); err != nil {
		return fmt.Errorf("seal intents anew: %w", err)
	}
	if cursor.Failed > 0 {
		return fmt.Errorf("%w: %d", ErrKept, cursor.Failed)
	}
	if err := s.Settle(ctx); err != nil {
		return err
	}
	return r.change(ctx, dropOld)
}

func dropOld(s *slots, o opened) error {
	m := keyset.NewManagerFromHandle(o.handle)
	info := o.handle.KeysetInfo()
	for _, key := range info.GetKeyInfo() {
		if key.GetKeyId() == info.GetPrimaryKeyId() {
			continue
		}
		if err := m.Delete(key.GetKeyId()); err != nil {
			return fmt.Errorf("drop key: %w", err)
		}
	}
	return s.replace(m, o.master)
}

func (r *Ring) loadCursor(ctx context.Context) (c resealCursor, revision store.Revision, err error) {
	c.Key = r.current.Load().primary
	blob, err := r.kv.Blob(ctx, resealBlob)
	if errors.Is(err, store.ErrNotFound) {
		return c, store.Absent, nil
	}
	if err != nil {
		return c, 0, fmt.Errorf("read cursor: %w", err)
	}
	// The cursor of an earlier rotation says nothing about this one.
	var there resealCursor
	if json.Unmarshal(blob.Value, &there) == nil && there.Key == c.Key && there.Failed == 0 {
		c = there
	}
	return c, blob.Revision, nil
}

// stale reports whether an older key sealed a value, by the key's ID before it.
func (r *Ring) stale(sealed []byte) bool {
	return len(sealed) < prefixSize || sealed[0] != sealedFormat ||
		binary.BigEndian.Uint32(sealed[2:prefixSize]) != r.current.Load().primary
}
