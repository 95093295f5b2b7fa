package store

import (
	"context"
	"iter"
)

// A Page is a part of all records, in the order of their names.
type Page struct {
	Records []Stored        // removed ones included
	Damaged []*DamagedError // rows that do not open
	Last    string          // the last name of both; behind it the next page begins
	More    bool            // there may be a next one
}

// Looked is how many rows the page has.
func (p Page) Looked() int { return len(p.Records) + len(p.Damaged) }

// All goes through the records after that name, up to limit of them a page. An
// error ends it.
func (s *Store) All(ctx context.Context, after string, limit int) iter.Seq2[Page, error] {
	return func(yield func(Page, error) bool) {
		for p := (Page{Last: after, More: true}); p.More; {
			var err error
			if p.Records, p.Damaged, err = s.List(ctx, p.Last, limit); err != nil {
				yield(Page{}, err)
				return
			}
			p.More = p.Looked() == limit
			for _, r := range p.Records {
				p.Last = max(p.Last, r.Name)
			}
			for _, d := range p.Damaged {
				p.Last = max(p.Last, d.Name)
			}
			if !yield(p, nil) {
				return
			}
		}
	}
}
