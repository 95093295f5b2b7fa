package store

import (
	"context"
	"errors"
	"fmt"
)

// An Auditor compares rows with their index entries; *boltkv.KV is one. A grant
// that is missing in the due index would never be refreshed, and nobody would
// see why.
type Auditor interface {
	// Audit returns the names, among up to limit rows after that name, whose
	// entries are not all there, and the last name it looked at, empty at the end.
	Audit(ctx context.Context, after string, limit int) (missing []string, last string, err error)
}

// An Audited says what came of one page.
type Audited struct {
	Last     string   // name of the last record looked at; empty: there are no more
	Repaired []string // had index entries missing, which are there again
	Damaged  []string // do not open
}

// Audit looks at up to limit records after that name: each opens, and stands in
// the indexes where it should. Missing entries are made again from the record.
func (s *Store) Audit(ctx context.Context, auditor Auditor, after string, limit int) (Audited, error) {
	missing, last, err := auditor.Audit(ctx, after, limit)
	if err != nil || last == "" {
		return Audited{}, err
	}
	found := Audited{Last: last}
	for _, name := range missing {
		repaired, err := s.repair(ctx, name)
		if err != nil {
			return found, err
		}
		if repaired {
			found.Repaired = append(found.Repaired, name)
		}
	}
	_, damaged, err := s.List(ctx, after, limit)
	if err != nil {
		return found, err
	}
	for _, bad := range damaged {
		found.Damaged = append(found.Damaged, bad.Name)
	}
	return found, nil
}

// repair stores a record as it is, and its entries with it. One that changed
// meanwhile was stored by that, one that does not open has none to make.
func (s *Store) repair(ctx context.Context, name string) (bool, error) {
	stored, err := s.Get(ctx, name)
	if _, damaged := errors.AsType[*DamagedError](err); damaged || errors.Is(err, ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	_, err = s.Put(ctx, Update{Record: stored.Record, Expect: stored.Revision})
	if err != nil && !errors.Is(err, ErrConflict) {
		return false, fmt.Errorf("repair index entries of grant %s: %w", name, err)
	}
	return true, nil
}
