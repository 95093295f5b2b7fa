package boltkv

import (
	"encoding/binary"
	"iter"

	"webex-tokend/store"
)

// maxValue bounds what a caller puts into a row, an entry or a blob, in bytes. A
// longer one that is read was never written: its size is damaged, and a copy of
// it could take all the memory there is.
const maxValue = 1 << 20

// A row is a value in the bucket of rows. It names its own index entries, so
// that a write can remove the old ones although it cannot read the record:
//
//	revision, 8 bytes big-endian
//	number of entries, varint; for each: index, 1 byte | length, varint | key
//	the bytes that the caller gave
//
// Its parts point into the bytes that it was decoded from.
type row struct {
	revision store.Revision
	entries  []byte
	value    []byte
}

// decodeRow gives a row without entries and value for bytes that are damaged:
// the caller's own decoding refuses it then, for this one grant, and a write
// can still replace it.
func decodeRow(b []byte) row {
	if len(b) < 8 {
		return row{}
	}
	r := row{revision: store.Revision(binary.BigEndian.Uint64(b))}
	rest := b[8:]
	count, n := binary.Uvarint(rest)
	if n <= 0 {
		return r
	}
	rest = rest[n:]
	entries := rest
	for ; count > 0; count-- {
		_, _, size := cutEntry(rest)
		if size == 0 {
			return r
		}
		rest = rest[size:]
	}
	if len(rest) > maxValue {
		return r
	}
	r.entries, r.value = entries[:len(entries)-len(rest)], rest
	return r
}

func encodeRow(revision store.Revision, w *store.Write) []byte {
	size := 8 + binary.MaxVarintLen64 + len(w.Value)
	for _, e := range w.Entries {
		size += 1 + binary.MaxVarintLen64 + len(e.Group) + 9 + len(e.Name)
	}
	b := binary.BigEndian.AppendUint64(make([]byte, 0, size), uint64(revision))
	b = binary.AppendUvarint(b, uint64(len(w.Entries)))
	for _, e := range w.Entries {
		b = append(b, letterOf(e.Index))
		b = binary.AppendUvarint(b, uint64(len(e.Group)+1+8+len(e.Name)))
		b = appendKey(b, e.Group, e.Rank, e.Name)
	}
	return append(b, w.Value...)
}

// each yields the entries of a row.
func (r row) each() iter.Seq2[store.Index, []byte] {
	return func(yield func(store.Index, []byte) bool) {
		for rest := r.entries; len(rest) > 0; {
			letter, key, size := cutEntry(rest)
			if !yield(indexOf(letter), key) {
				return
			}
			rest = rest[size:]
		}
	}
}

// cutEntry returns size 0 when there is no whole entry.
func cutEntry(b []byte) (letter byte, key []byte, size int) {
	if len(b) == 0 || indexOf(b[0]) == "" {
		return 0, nil, 0
	}
	length, n := binary.Uvarint(b[1:])
	if n <= 0 || length > uint64(len(b)-1-n) {
		return 0, nil, 0
	}
	size = 1 + n + int(length)
	return b[0], b[1+n : size], size
}

func letterOf(index store.Index) byte { return index[0] }

func indexOf(letter byte) store.Index {
	switch letter {
	case 'd':
		return store.DueIndex
	case 'a':
		return store.AttentionIndex
	}
	return ""
}
