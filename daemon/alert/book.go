package alert

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"iter"
	"strings"

	"webex-tokend/store"
)

const (
	// sheets is into how many blobs the book is cut, so that a note of one entry
	// writes a few kilobytes however many there are.
	sheets = 32
	// most bounds the entries of grants. Whoever has more in trouble needs a list
	// and no alerts; Crowd says so.
	most = 4096
)

// A book keeps the entries, in memory and in blobs of the store, "alert/00" to
// "alert/1f", each a JSON object by kind and subject:
//
//	{
//	  "window/ops": {"since": "2026-11-01T03:00:00Z", "stage": 604800000000000, "times": 1,
//	                 "told": {"log": 604800000000000, "webhook": 1209600000000000}},
//	  "client/crm": {"since": "2026-11-02T08:10:07Z", "over": "2026-11-02T08:30:00Z", "stage": 0, "times": 2}
//	}
type book struct {
	store  *store.Store
	sheets [sheets]sheet
	grants int // entries of one grant
	loaded bool

	unsaved bool // the last attempt to store the book failed
}

type sheet struct {
	revision store.Revision
	entries  map[string]*entry
	changed  bool // and not stored
	unsure   bool // whether the last write came through
}

func blobName(i int) string { return fmt.Sprintf("alert/%02x", i) }

// load reads what was told before the start. What does not parse is dropped:
// better to be told twice.
func (b *book) load(ctx context.Context) error {
	if b.loaded {
		return nil
	}
	var read [sheets]sheet
	grants := 0
	for i := range read {
		s := &read[i]
		s.entries = make(map[string]*entry)
		blob, err := b.store.Blob(ctx, blobName(i))
		if errors.Is(err, store.ErrNotFound) {
			continue
		}
		if err != nil {
			return fmt.Errorf("read what was told: %w", err)
		}
		s.revision = blob.Revision
		if json.Unmarshal(blob.Value, &s.entries) != nil || s.entries == nil {
			s.entries = make(map[string]*entry)
		}
		for key, e := range s.entries {
			kind, subject, _ := strings.Cut(key, "/")
			if e == nil || !Kind(kind).known() || key != keyOf(Kind(kind), subject) || sheetOf(key) != i {
				delete(s.entries, key)
				continue
			}
			e.kind, e.subject = Kind(kind), subject
			if e.kind.ofGrant() {
				grants++
			}
		}
	}
	b.sheets, b.grants, b.loaded = read, grants, true
	return nil
}

// save stores the sheets that changed. What it could not store is tried again
// with the next call.
func (b *book) save(ctx context.Context) error {
	var failures []error
	for i := range b.sheets {
		if s := &b.sheets[i]; s.changed {
			failures = append(failures, s.save(ctx, b.store, blobName(i)))
		}
	}
	return errors.Join(failures...)
}

func (s *sheet) save(ctx context.Context, in *store.Store, name string) error {
	if s.unsure {
		blob, err := in.Blob(ctx, name)
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return fmt.Errorf("read what was told: %w", err)
		}
		s.revision, s.unsure = blob.Revision, false
	}
	value, err := json.Marshal(s.entries)
	if err == nil {
		var revision store.Revision
		if revision, err = in.SwapBlob(ctx, name, s.revision, value); err == nil {
			s.revision, s.changed = revision, false
			return nil
		}
	}
	s.unsure = true
	return fmt.Errorf("store what was told: %w", err)
}

func (b *book) sheet(key string) *sheet { return &b.sheets[sheetOf(key)] }

func sheetOf(key string) int {
	h := fnv.New32a()
	h.Write([]byte(key))
	return int(h.Sum32() % sheets)
}

// find returns nil where there is no such entry.
func (b *book) find(k Kind, subject string) *entry {
	key := keyOf(k, subject)
	return b.sheet(key).entries[key]
}

// enter makes an entry, or returns nil when the book is full.
func (b *book) enter(k Kind, subject string) *entry {
	if k.ofGrant() {
		if b.grants >= most {
			return nil
		}
		b.grants++
	}
	e := &entry{kind: k, subject: subject}
	b.sheet(e.key()).entries[e.key()] = e
	return e
}

func (b *book) remove(e *entry) {
	if e.kind.ofGrant() {
		b.grants--
	}
	s := b.sheet(e.key())
	delete(s.entries, e.key())
	s.changed = true
}

// changed notes that an entry is not as it was stored.
func (b *book) changed(e *entry) { b.sheet(e.key()).changed = true }

// all goes through the entries in no order. They may be removed meanwhile.
func (b *book) all() iter.Seq[*entry] {
	return func(yield func(*entry) bool) {
		for i := range b.sheets {
			for _, e := range b.sheets[i].entries {
				if !yield(e) {
					return
				}
			}
		}
	}
}
