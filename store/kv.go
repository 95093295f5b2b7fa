package store

import (
	"context"
	"errors"
)

// Errors of every KV backend.
var (
	// ErrNotFound: no row or blob under that name.
	ErrNotFound = errors.New("not found in the store")
	// ErrConflict: the row, blob or mark was not as the change expected. It
	// is an answer, not a failure: nothing of that change was written, other
	// changes that shared its transaction were.
	ErrConflict = errors.New("changed meanwhile in the store")
	// ErrClosed: the backend was closed.
	ErrClosed = errors.New("store is closed")
	// ErrLocked: another process has the store of this host.
	ErrLocked = errors.New("store is in use by another process")
	// ErrDamaged: the store file is not what the backend wrote.
	ErrDamaged = errors.New("store file is damaged")
	// ErrReplaced: the path no longer leads to the file that is open. What was
	// committed meanwhile went to the old file.
	ErrReplaced = errors.New("store file was replaced while it was open")
	// ErrAway: the engine that the hosts share does not answer, or has no quorum.
	ErrAway = errors.New("the shared store cannot be reached")
	// ErrFull: it has no room, so it takes nothing but deletions.
	ErrFull = errors.New("the shared store is full")
	// ErrDenied: it refuses this host.
	ErrDenied = errors.New("the shared store refuses this host")
	// ErrNoOffice: another host is in office, or none is.
	ErrNoOffice = errors.New("this host is not in office")
)

// A Revision identifies one written value of a row or blob. Revisions of one
// name never repeat, not even after a deletion.
type Revision uint64

const (
	// Absent as an expectation: there must be no row.
	Absent Revision = 0
	// Any as an expectation: whatever is there, even nothing.
	Any Revision = 1<<64 - 1
)

// An Index is one of the four ordered lists kept beside the rows.
type Index string

const (
	// DueIndex: group = integration, rank = due time, value = access expiry.
	DueIndex Index = "due"
	// AttentionIndex: group = a Place, rank = Record.EndsAt or the access expiry.
	AttentionIndex Index = "attention"
	// OpenIndex marks grants whose refresh was sent or is about to be: value = intent.
	OpenIndex Index = "open"
	// UnpublishedIndex marks grants whose outputs are behind: value = generation.
	UnpublishedIndex Index = "unpublished"
)

// An Entry stands in an index in the order of (Group, Rank, Name).
type Entry struct {
	Index Index
	Group string // has no zero byte
	Rank  uint64
	Name  string // the grant
	Value []byte
}

// A Row is one grant as the backend sees it: opaque bytes.
type Row struct {
	Name     string
	Revision Revision
	Value    []byte
}

// A Blob is a small named value beside the rows: key slots, cursors, alert times.
type Blob struct {
	Revision Revision
	Value    []byte
}

// A Change is applied whole or not at all.
type Change struct {
	Name   string
	Expect Revision
	// Write, when set, replaces the row and all its due and attention entries.
	Write *Write
	// Delete removes the row, its entries and its marks. Not together with Write.
	Delete bool
	// Marks are set and cleared beside either, or alone: then the row and its
	// revision stay as they are.
	Marks []Mark
	// Acting: only the host in office may make this change, else ErrNoOffice. An
	// engine of one host has it in office always.
	Acting bool
}

// A Write is the new state of a row. Entries name DueIndex and AttentionIndex only, and
// their Name is the row's.
type Write struct {
	Value   []byte
	Entries []Entry
	// Unpublished is the value of the mark in UnpublishedIndex that outputs are
	// behind by, and Stamp changes with whatever outputs show. An engine that
	// copies rows to other hosts sets the mark there when the stamp has changed;
	// others need neither.
	Unpublished []byte
	Stamp       []byte
}

// A Mark sets or clears the one entry that a grant has in OpenIndex or UnpublishedIndex
// (group "", rank 0).
type Mark struct {
	Index Index
	Value []byte // nil clears
	// If, when set, must equal the value that stands there.
	If []byte
	// Vacant: no such mark may stand there. Not together with If.
	Vacant bool
	// Gone, when set, names a member of the cluster that must have left it. An
	// engine of one host has no other members: whoever is named has left.
	Gone string
}

// A Query asks for entries of one group, in order.
type Query struct {
	Index Index
	Group string
	// After excludes everything up to and with this position; the zero
	// position excludes nothing.
	After Position
	// Below, when above zero, ends before the first entry of this rank.
	Below uint64
	// Limit bounds the answer; 0 means 1,000.
	Limit int
}

// A Position lies in a group right behind the entry (Rank, Name).
type Position struct {
	Rank uint64
	Name string
}

// KV is the narrow waist of the store: compare-and-swap over opaque rows, with
// ordered index entries that change in the same transaction. Codec, sealing,
// conflict handling and retries live above it, once. There is no counter that
// every writer touches, so that a clustered engine can take bbolt's place.
//
// When Swap or SwapBlob returns nil, the change survives power loss. When it
// returns anything but ErrConflict or ErrClosed, the outcome is unknown: read
// again before believing either way. All methods may be called concurrently;
// returned bytes belong to the caller.
type KV interface {
	// Get returns a row without a value where the backend cannot read it for
	// damage.
	Get(ctx context.Context, name string) (Row, error)
	// Mark returns the value of the mark that a grant has in OpenIndex or
	// UnpublishedIndex, ErrNotFound where it has none.
	Mark(ctx context.Context, index Index, name string) ([]byte, error)
	// Swap applies one change and returns the row's revision after it.
	Swap(ctx context.Context, c Change) (Revision, error)
	Range(ctx context.Context, q Query) ([]Entry, error)
	// Count returns the number of entries in a group; complete is false while
	// the backend is still counting behind its opening.
	Count(ctx context.Context, index Index, group string) (n int, complete bool, err error)
	// Groups lists the groups that Count knows entries of.
	Groups(ctx context.Context, index Index) (groups []string, complete bool, err error)
	// List returns rows in the order of their names.
	List(ctx context.Context, after string, limit int) ([]Row, error)
	Blob(ctx context.Context, key string) (Blob, error)
	SwapBlob(ctx context.Context, key string, expect Revision, value []byte) (Revision, error)
	Close() error
}
