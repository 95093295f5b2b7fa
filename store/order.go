package store

import "errors"

// Errors of a copy that cannot be brought up to date as it stands.
var (
	// ErrCompacted: the engine no longer has the changes since then.
	ErrCompacted = errors.New("the shared store has dropped the changes that a copy needs")
	// ErrOlder: it stands before what was seen of it: it was restored from a
	// snapshot, or is another one.
	ErrOlder = errors.New("the shared store is older than what was seen of it")
	// ErrVanished: there is no store.
	ErrVanished = errors.New("there is no store below the prefix")
)

// A Committed change stands in the order of all hosts.
type Committed struct {
	// Revision of the row or blob.
	Revision Revision
	// At is the revision of the engine that a copy has to reach to show it; 0:
	// the change made no difference.
	At int64
}

// A Batch is what an engine that several hosts share has ordered since the
// batch before: what a copy has to take over to stand where the engine stood.
type Batch struct {
	Rows    []OrderedRow
	Intents []OrderedIntent
	Blobs   []OrderedBlob
	// Revision is the engine's own count of all its changes, up to which the
	// copy stands with this batch.
	Revision int64
}

// Empty reports whether a batch says nothing but how far it reaches.
func (b *Batch) Empty() bool { return len(b.Rows)+len(b.Intents)+len(b.Blobs) == 0 }

// An OrderedRow is the row as it now is.
type OrderedRow struct {
	Name     string
	Revision Revision
	Write    *Write // nil: it was deleted, and its open intent with it
	Writer   string // the member of the cluster that wrote it
}

// An OrderedIntent is an entry of OpenIndex as it stands now.
type OrderedIntent struct {
	Name  string
	Value []byte // nil: nothing
}

// An OrderedBlob is the blob as it now is.
type OrderedBlob struct {
	Key      string
	Revision Revision
	Value    []byte
}
