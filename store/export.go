package store

import "context"

// Export returns up to limit rows after that name as changes that make them
// again in another engine, sealed as they are, each with its open intent. The
// last name is empty when there are no more.
func (s *Store) Export(ctx context.Context, after string, limit int) (list []Change, last string, err error) {
	defer s.uses.begin().Done()
	rows, err := s.kv.List(ctx, after, limit)
	if err != nil || len(rows) == 0 {
		return nil, "", err
	}
	for _, row := range rows {
		c := Change{Name: row.Name, Expect: Any, Write: &Write{Value: row.Value}}
		// One that does not open is shown by the audit, and stays as it is.
		if stored, err := s.open(row); err == nil {
			c.Write.Entries, c.Write.Unpublished, c.Write.Stamp = entries(stored.Record), generation(stored.Generation), stamp(stored.Record)
		}
		if intent, err := s.kv.Mark(ctx, OpenIndex, row.Name); err == nil {
			c.Marks = []Mark{{Index: OpenIndex, Value: intent}}
		}
		list = append(list, c)
	}
	return list, rows[len(rows)-1].Name, nil
}
