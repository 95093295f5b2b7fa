package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
)

// An Auditor shows rows and index entries side by side; *boltkv.KV is one. A
// grant that is missing in the due index would never be refreshed, and nobody
// would see why.
type Auditor interface {
	// Audit returns up to limit rows after that name.
	Audit(ctx context.Context, after string, limit int) ([]AuditedRow, error)
	// Strays looks at up to limit entries behind that spot and returns those
	// of no row. The last spot is the zero one at the end.
	Strays(ctx context.Context, after Spot, limit int) (strays []Stray, last Spot, err error)
	// Drop removes strays, but for those that a row has come to know.
	Drop(ctx context.Context, strays []Stray) error
}

// An AuditedRow is a row with what the backend knows of its index entries.
type AuditedRow struct {
	Row
	Entries []Entry // that the row names, without their values
	Missing bool    // not all of them stand in their index
	// Torn: the backend cannot read its own part of the row, and says nothing
	// of value and entries.
	Torn bool
}

// A Spot is a position among the entries of all indexes. The zero Spot is
// before the first.
type Spot struct {
	Index Index
	Key   string // as the backend has it
}

// A Stray is an entry that no row knows of, or an open intent of no row.
type Stray struct {
	Spot
	Name string // of the grant, as the entry has it
}

// An Audited says what came of one page.
type Audited struct {
	Last     string   // name of the last record looked at; empty: there are no more
	Repaired []string // their index entries were not those of the record; they are now
	Damaged  []string // do not open
}

// Audit looks at up to limit records after that name: each opens, and stands in
// the indexes where it should. Entries that are not so are made again from the
// record. One that does not open cannot say where it belongs: it is filed under
// the state Damaged, with its sealed bytes as they are, so that counts and lists
// show it, until it is replaced or opens again.
func (s *Store) Audit(ctx context.Context, auditor Auditor, after string, limit int) (Audited, error) {
	defer s.uses.begin().Done()
	rows, err := auditor.Audit(ctx, after, limit)
	if err != nil || len(rows) == 0 {
		return Audited{}, err
	}
	found := Audited{Last: rows[len(rows)-1].Name}
	for _, row := range rows {
		stored, err := s.open(row.Row)
		switch {
		case err != nil:
			found.Damaged = append(found.Damaged, row.Name)
			if errors.Is(err, ErrNewerFormat) {
				continue // the build that wrote it will want it where it is
			}
			if err := s.fileDamaged(ctx, row); err != nil {
				return found, err
			}
		case row.Missing || !slices.EqualFunc(row.Entries, entries(stored.Record), samePlace):
			if err := s.repair(ctx, stored); err != nil {
				return found, err
			}
			found.Repaired = append(found.Repaired, row.Name)
		}
	}
	return found, nil
}

// AuditEntries looks at up to limit index entries behind that spot and removes
// those that no row knows of. The last spot is the zero one at the end.
func (s *Store) AuditEntries(ctx context.Context, auditor Auditor, after Spot, limit int) (dropped []Stray, last Spot, err error) {
	strays, last, err := auditor.Strays(ctx, after, limit)
	if err != nil || len(strays) == 0 {
		return nil, last, err
	}
	if err := auditor.Drop(ctx, strays); err != nil {
		return nil, after, fmt.Errorf("drop stray index entries: %w", err)
	}
	return strays, last, nil
}

func samePlace(a, b Entry) bool {
	return a.Index == b.Index && a.Group == b.Group && a.Rank == b.Rank && a.Name == b.Name
}

// repair stores a record as it is, and its entries with it. One that changed
// meanwhile was stored by that.
func (s *Store) repair(ctx context.Context, stored Stored) error {
	_, err := s.Put(ctx, Update{Record: stored.Record, Expect: stored.Revision})
	if err != nil && !errors.Is(err, ErrConflict) {
		return fmt.Errorf("repair index entries of grant %s: %w", stored.Name, err)
	}
	return nil
}

// fileDamaged leaves a row alone that has no place in the list for operators:
// it is torn, or that of a grant that was removed.
func (s *Store) fileDamaged(ctx context.Context, row AuditedRow) error {
	i := slices.IndexFunc(row.Entries, func(e Entry) bool { return e.Index == AttentionIndex })
	if row.Torn || i < 0 {
		return nil
	}
	place := row.Entries[i]
	damaged := Place{Integration: placeOf(place.Group).Integration, State: Damaged}
	place.Group, place.Rank = damaged.group(), never
	if !row.Missing && slices.EqualFunc(row.Entries, []Entry{place}, samePlace) {
		return nil
	}
	_, err := s.kv.Swap(ctx, Change{Name: row.Name, Expect: row.Revision, Write: &Write{Value: row.Value, Entries: []Entry{place}}})
	if err != nil && !errors.Is(err, ErrConflict) {
		return fmt.Errorf("file damaged record of grant %s: %w", row.Name, err)
	}
	return nil
}
