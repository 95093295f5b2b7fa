package store

import "fmt"

// A copy is a record outside the KV, sealed for a place of its own: put into
// the KV it does not open, nor does a row of the KV open as a copy.
const copyPlace = "copy/"

// SealCopy returns a record in the form that OpenCopy of this store takes.
func (s *Store) SealCopy(r *Record) ([]byte, error) {
	b, err := s.seal.Seal(copyPlace+r.Name, encode(r))
	if err != nil {
		return nil, fmt.Errorf("seal copy of grant %s: %w", r.Name, err)
	}
	return b, nil
}

// OpenCopy opens the copy of a grant's record. It returns a *DamagedError,
// whose revision means nothing, for one that does not open or is another
// grant's.
func (s *Store) OpenCopy(name string, b []byte) (*Record, error) {
	plain, err := s.seal.Open(copyPlace+name, b)
	if err != nil {
		return nil, &DamagedError{Name: name, Err: err}
	}
	r, err := decode(plain)
	if err == nil && r.Name != name {
		err = fmt.Errorf("it is the record of %q", r.Name)
	}
	if err != nil {
		return nil, &DamagedError{Name: name, Err: err}
	}
	return r, nil
}
