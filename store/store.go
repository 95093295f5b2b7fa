// Package store keeps grants: records with their secrets, the order in which
// they fall due, and the intents of refreshes under way.
//
// It promises that what a method stored without an error survives power loss,
// that a record changes only from the revision its writer saw, and that one
// record that cannot be opened hides no other. It does not retry and does not
// wait. It knows nothing of Webex, of configuration or of time.
//
// The layers are Store (codec, sealing, index entries) over KV (opaque rows,
// compare-and-swap); boltkv is the backend.
package store

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"time"
)

// A Sealer encrypts records, intents and the identity for the KV below. The
// place, "record/ops", "intent/ops" or "identity", is bound to the sealed bytes:
// they open in no other.
type Sealer interface {
	Seal(place string, plain []byte) ([]byte, error)
	Open(place string, sealed []byte) ([]byte, error)
}

// The places of sealed values: the first two go before the name of a grant.
const (
	recordPlace   = "record/"
	intentPlace   = "intent/"
	identityPlace = "identity"
)

// A Config says how a Store treats its rows. The zero value stores records as
// encoded, without sealing, which is for tests.
type Config struct {
	Seal Sealer
}

// A Store is safe for concurrent use.
type Store struct {
	kv          KV
	seal        Sealer
	fingerprint [32]byte // key
	uses        uses
}

// Stored is a record with the revision it was read at.
type Stored struct {
	*Record
	Revision Revision
}

// A DamagedError says that one row did not open or decode. The other rows are
// not affected.
type DamagedError struct {
	Name     string
	Revision Revision
	Err      error
}

func (e *DamagedError) Error() string {
	return fmt.Sprintf("record of grant %s is damaged: %v", e.Name, e.Err)
}
func (e *DamagedError) Unwrap() error { return e.Err }

// Open takes over kv, whose Close becomes the Store's; after an error it is
// still the caller's. A new store is given its identity, the key of its
// fingerprints, before Open returns.
func Open(ctx context.Context, kv KV, cfg Config) (*Store, error) {
	s := &Store{kv: kv, seal: cfg.Seal}
	if s.seal == nil {
		s.seal = unsealed{}
	}
	if err := s.loadIdentity(ctx); err != nil {
		return nil, err
	}
	return s, nil
}

// Close closes the KV.
func (s *Store) Close() error { return s.kv.Close() }

// Get returns ErrNotFound for an unknown grant and a *DamagedError for one
// whose row does not open. Removed grants are returned too.
func (s *Store) Get(ctx context.Context, name string) (Stored, error) {
	defer s.uses.begin().Done()
	row, err := s.kv.Get(ctx, name)
	if err != nil {
		return Stored{}, err
	}
	return s.open(row)
}

// List returns up to limit records after that name, in the order of names,
// removed ones included. A damaged row stands in the second list instead.
func (s *Store) List(ctx context.Context, after string, limit int) ([]Stored, []*DamagedError, error) {
	defer s.uses.begin().Done()
	rows, err := s.kv.List(ctx, after, limit)
	if err != nil {
		return nil, nil, err
	}
	list := make([]Stored, 0, len(rows))
	var damaged []*DamagedError
	for _, row := range rows {
		stored, err := s.open(row)
		if bad, ok := errors.AsType[*DamagedError](err); ok {
			damaged = append(damaged, bad)
			continue
		}
		list = append(list, stored)
	}
	return list, damaged, nil
}

// An Update replaces a record.
type Update struct {
	Record *Record
	// Expect is the revision that was read, Absent for a new grant.
	Expect Revision
	// Close is the open intent that is closed in the same transaction, and no
	// other one; nil: none.
	Close *OpenIntent
	// Unpublished notes in the same transaction that outputs are behind.
	Unpublished bool
	// ReadBack compares what the next reader will find with what was meant. When
	// it is another thing, Put returns an error although it may stand.
	ReadBack bool
}

// Put stores an update and returns the new revision, ErrConflict when the
// record has another one, or ErrIntentLost when only the intent is another one.
func (s *Store) Put(ctx context.Context, u Update) (Revision, error) {
	defer s.uses.begin().Done()
	r := u.Record
	value, err := s.seal.Seal(recordPlace+r.Name, encode(r))
	if err != nil {
		return 0, fmt.Errorf("seal record of grant %s: %w", r.Name, err)
	}
	c := Change{Name: r.Name, Expect: u.Expect, Write: &Write{Value: value, Entries: entries(r), Unpublished: generation(r.Generation), Stamp: stamp(r)}}
	revision, err := s.put(ctx, c, u)
	if err == nil && u.ReadBack {
		err = s.readBack(ctx, r.Name, revision, value)
	}
	if err != nil {
		return 0, err
	}
	return revision, nil
}

func (s *Store) put(ctx context.Context, c Change, u Update) (Revision, error) {
	if u.Close != nil {
		return s.close(ctx, c, u)
	}
	if u.Unpublished {
		c.Marks = append(c.Marks, Mark{Index: UnpublishedIndex, Value: c.Write.Unpublished})
	}
	return s.kv.Swap(ctx, c)
}

// readBack compares sealed bytes: those that are the same open as the same record.
// With another revision somebody has changed what they read of this one.
func (s *Store) readBack(ctx context.Context, name string, revision Revision, meant []byte) error {
	row, err := s.kv.Get(ctx, name)
	switch {
	case err != nil:
		return fmt.Errorf("read back: %w", err)
	case row.Value == nil:
		return fmt.Errorf("read back: %w", ErrDamaged)
	case row.Revision == revision && !bytes.Equal(row.Value, meant):
		return errors.New("read back: the store holds something else than was written")
	}
	return nil
}

// close stores a change together with the end of an intent, and finds out which
// of them a conflict was about.
func (s *Store) close(ctx context.Context, c Change, u Update) (Revision, error) {
	open := *u.Close
	for {
		c.Marks = []Mark{{Index: OpenIndex, If: open.sealed}}
		if u.Unpublished {
			c.Marks = append(c.Marks, Mark{Index: UnpublishedIndex, Value: c.Write.Unpublished})
		}
		revision, err := s.kv.Swap(ctx, c)
		if !errors.Is(err, ErrConflict) {
			return revision, err
		}
		if s.resealed(ctx, &open) {
			continue
		}
		row, readErr := s.kv.Get(ctx, c.Name)
		value, markErr := s.kv.Mark(ctx, OpenIndex, c.Name)
		lost := errors.Is(markErr, ErrNotFound) || markErr == nil && !bytes.Equal(value, open.sealed)
		if readErr == nil && row.Revision == u.Expect && lost {
			return 0, ErrIntentLost
		}
		return 0, err
	}
}

// A DueGrant is an entry of the schedule.
type DueGrant struct {
	Name          string
	DueAt         time.Time
	AccessExpires time.Time // zero: not known to end
}

// Due returns up to limit grants of an integration that were due before now,
// the longest overdue first, after the given one when it is not nil.
func (s *Store) Due(ctx context.Context, integration string, now time.Time, after *DueGrant, limit int) ([]DueGrant, error) {
	q := Query{Index: DueIndex, Group: integration, Below: rank(now) + 1, Limit: limit}
	if after != nil {
		q.After = Position{Rank: rank(after.DueAt), Name: after.Name}
	}
	list, err := s.kv.Range(ctx, q)
	if err != nil {
		return nil, err
	}
	due := make([]DueGrant, 0, len(list))
	for _, e := range list {
		due = append(due, DueGrant{e.Name, unrank(e.Rank), unrankBytes(e.Value)})
	}
	return due, nil
}

// Unpublished returns up to limit grants after that name whose outputs are
// behind their record.
func (s *Store) Unpublished(ctx context.Context, after string, limit int) ([]string, error) {
	marks, err := s.kv.Range(ctx, Query{Index: UnpublishedIndex, After: Position{Name: after}, Limit: limit})
	if err != nil {
		return nil, err
	}
	names := make([]string, 0, len(marks))
	for _, m := range marks {
		names = append(names, m.Name)
	}
	return names, nil
}

// Published clears the note that outputs of a grant are behind, unless a newer
// generation has set it anew; then it returns ErrConflict.
func (s *Store) Published(ctx context.Context, name string, gen uint64) error {
	_, err := s.kv.Swap(ctx, Change{Name: name, Expect: Any,
		Marks: []Mark{{Index: UnpublishedIndex, If: generation(gen)}}})
	return err
}

// Blob returns a small named value, ErrNotFound when there is none.
func (s *Store) Blob(ctx context.Context, key string) (Blob, error) { return s.kv.Blob(ctx, key) }

// SwapBlob stores a small named value if it still has the expected revision.
func (s *Store) SwapBlob(ctx context.Context, key string, expect Revision, value []byte) (Revision, error) {
	return s.kv.SwapBlob(ctx, key, expect, value)
}

// OpenRow opens a row that the KV has shown otherwise than by reading, as Get does.
func (s *Store) OpenRow(row Row) (Stored, error) {
	defer s.uses.begin().Done()
	return s.open(row)
}

func (s *Store) open(row Row) (Stored, error) {
	plain, err := s.seal.Open(recordPlace+row.Name, row.Value)
	if err != nil {
		return Stored{}, &DamagedError{row.Name, row.Revision, err}
	}
	r, err := decode(plain)
	if err == nil && r.Name != row.Name {
		err = fmt.Errorf("it is the record of %q", r.Name)
	}
	if err != nil {
		return Stored{}, &DamagedError{row.Name, row.Revision, err}
	}
	return Stored{r, row.Revision}, nil
}

type unsealed struct{}

func (unsealed) Seal(_ string, plain []byte) ([]byte, error)  { return plain, nil }
func (unsealed) Open(_ string, sealed []byte) ([]byte, error) { return sealed, nil }

func generation(n uint64) []byte { return binary.AppendUvarint(nil, n) }

// stamp changes with what outputs show of a record: its token, when that ends,
// and the state that they may tell.
func stamp(r *Record) []byte {
	b := binary.BigEndian.AppendUint64(generation(r.Generation), rankOrLast(r.Token.ExpiresAt))
	if r.Removed {
		return append(b, 'r')
	}
	return b
}
