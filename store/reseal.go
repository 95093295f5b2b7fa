package store

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"golang.org/x/sync/errgroup"
)

// resealing is how many records are sealed anew at a time, so that they share
// commits and leave room for others.
const resealing = 16

// A Resealed says what came of one page of records.
type Resealed struct {
	Last    string // name of the last one looked at; empty: there are no more
	Records int    // looked at
	Damaged int    // of those, did not open and stay as they are
}

// Reseal writes anew up to limit records after that name, those whose sealed
// form is stale. One that changed meanwhile has been sealed anew by that.
func (s *Store) Reseal(ctx context.Context, after string, limit int, stale func(sealed []byte) bool) (Resealed, error) {
	rows, err := s.kv.List(ctx, after, limit)
	if err != nil || len(rows) == 0 {
		return Resealed{}, err
	}
	done := Resealed{Last: rows[len(rows)-1].Name, Records: len(rows)}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(resealing)
	for _, row := range rows {
		if !stale(row.Value) {
			continue
		}
		stored, err := s.open(row)
		if err != nil {
			done.Damaged++
			continue
		}
		group.Go(func() error {
			_, err := s.Put(ctx, Update{Record: stored.Record, Expect: stored.Revision})
			if errors.Is(err, ErrConflict) {
				return nil
			}
			return err
		})
	}
	return done, group.Wait()
}

// ResealRest does the same with all intents and the identity. An intent that
// does not open stays, and says no more than before.
func (s *Store) ResealRest(ctx context.Context, stale func(sealed []byte) bool) error {
	const page = 256
	for after := ""; ; {
		marks, err := s.kv.Range(ctx, Query{Index: OpenIndex, After: Position{Name: after}, Limit: page})
		if err != nil {
			return err
		}
		for _, m := range marks {
			after = m.Name
			if err := s.resealIntent(ctx, m, stale); err != nil {
				return err
			}
		}
		if len(marks) < page {
			break
		}
	}
	b, err := s.kv.Blob(ctx, IdentityBlob)
	if err != nil || !stale(b.Value) {
		return err
	}
	sealed, err := s.seal.Seal(identityPlace, s.fingerprint[:])
	if err != nil {
		return fmt.Errorf("seal store identity: %w", err)
	}
	_, err = s.kv.SwapBlob(ctx, IdentityBlob, b.Revision, sealed)
	return err
}

func (s *Store) resealIntent(ctx context.Context, mark Entry, stale func([]byte) bool) error {
	if !stale(mark.Value) {
		return nil
	}
	plain, err := s.seal.Open(intentPlace+mark.Name, mark.Value)
	if err != nil {
		return nil
	}
	sealed, err := s.seal.Seal(intentPlace+mark.Name, plain)
	if err != nil {
		return fmt.Errorf("seal intent of grant %s: %w", mark.Name, err)
	}
	_, err = s.kv.Swap(ctx, Change{Name: mark.Name, Expect: Any, Marks: []Mark{{Index: OpenIndex, Value: sealed, If: mark.Value}}})
	if errors.Is(err, ErrConflict) {
		return nil // its refresh has ended
	}
	return err
}

// uses knows who is between sealing and the commit, or between reading and
// opening, and so needs the keys that were in force when it began.
type uses struct {
	mu      sync.Mutex
	current *sync.WaitGroup
}

// begin is called before either; Done of what it returns after it.
func (u *uses) begin() *sync.WaitGroup {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.current == nil {
		u.current = new(sync.WaitGroup)
	}
	u.current.Add(1)
	return u.current
}

// Settle waits for the reads and changes under way when it is called. None that
// began later holds it up.
func (s *Store) Settle(ctx context.Context) error {
	s.uses.mu.Lock()
	under := s.uses.current
	s.uses.current = nil
	s.uses.mu.Unlock()
	if under == nil {
		return nil
	}
	done := make(chan struct{})
	go func() {
		under.Wait()
		close(done)
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
