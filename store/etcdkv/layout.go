package etcdkv

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"

	"webex-tokend/store"
)

// Keys below the prefix:
//
//	meta            {"format":1,"store":"<random>","state":"complete"}
//	r/GRANT         row, see encodeRow; its revision is etcd's own
//	o/GRANT         open intent, as package store sealed it; tied to no lease
//	b/KEY           blob
//	lead            HOST/INCARNATION of the host in office, under its lease
//	m/HOST/INCARNATION  what that process says of itself, under its lease
//	h/HOST          a host that was here and was not forgotten
//	w/GRANT         a wish of a host that is not in office
//
// Index entries are not kept in etcd: each copy makes its own from the rows.
const (
	metaKey    = "meta"
	leadKey    = "lead"
	rowKeys    = "r/"
	intentKeys = "o/"
	blobKeys   = "b/"
	memberKeys = "m/"
	hostKeys   = "h/"
	wishKeys   = "w/"
	format     = 1
)

// A meta says what stands below the prefix.
type meta struct {
	Format int    `json:"format"`
	Store  string `json:"store"`
	State  string `json:"state"`
	Host   string `json:"host,omitempty"` // where it went, when it has left
}

const (
	complete = "complete"
	moving   = "moving"
)

// ErrMoving: a migration into the prefix has begun and not ended.
var ErrMoving = errors.New("a migration into etcd was interrupted")

func readMeta(value []byte) (m meta, err error) {
	if err := json.Unmarshal(value, &m); err != nil {
		return meta{}, errors.New("what stands in etcd is no store of this program")
	}
	if m.Format > format {
		return meta{}, fmt.Errorf("store in etcd of format %d: %w", m.Format, store.ErrNewerFormat)
	}
	return m, nil
}

func (m meta) encode() string {
	b, err := json.Marshal(m)
	if err != nil {
		panic(err) // strings and a number
	}
	return string(b)
}

// A row is
//
//	format, 1 byte | writer | stamp | unpublished | number of entries, varint |
//	for each: index, 1 byte | group | rank, 8 bytes | value |
//	the bytes that the caller gave
//
// where a text has its length before it, as a varint.
func encodeRow(w *store.Write, writer string) string {
	b := make([]byte, 0, 256+len(w.Value))
	b = append(b, format)
	b = appendText(b, writer)
	b = appendText(b, w.Stamp)
	b = appendText(b, w.Unpublished)
	b = binary.AppendUvarint(b, uint64(len(w.Entries)))
	for _, e := range w.Entries {
		b = append(b, e.Index[0])
		b = appendText(b, e.Group)
		b = binary.BigEndian.AppendUint64(b, e.Rank)
		b = appendText(b, e.Value)
	}
	return string(append(b, w.Value...))
}

// decodeRow gives a write without value for a row that somebody else wrote or
// damaged: package store refuses it then, for its one grant.
func decodeRow(name string, b []byte) (*store.Write, string) {
	if len(b) == 0 || b[0] != format {
		return &store.Write{}, ""
	}
	r := rowReader{rest: b[1:]}
	writer := r.text()
	w := &store.Write{Stamp: r.text(), Unpublished: r.text()}
	for n := r.varint(); n > 0 && !r.bad; n-- {
		index := map[byte]store.Index{'d': store.DueIndex, 'a': store.AttentionIndex}[r.byte()]
		e := store.Entry{Index: index, Name: name, Group: string(r.text()), Rank: r.rank(), Value: r.text()}
		w.Entries = append(w.Entries, e)
		r.bad = r.bad || index == ""
	}
	if r.bad {
		return &store.Write{}, ""
	}
	w.Value = r.rest
	return w, string(writer)
}

func appendText[T string | []byte](b []byte, text T) []byte {
	b = binary.AppendUvarint(b, uint64(len(text)))
	return append(b, text...)
}

type rowReader struct {
	rest []byte
	bad  bool
}

func (r *rowReader) take(n uint64) []byte {
	if r.bad || n > uint64(len(r.rest)) {
		r.bad = true
		return nil
	}
	part := r.rest[:n:n]
	r.rest = r.rest[n:]
	return part
}

func (r *rowReader) varint() uint64 {
	v, n := binary.Uvarint(r.rest)
	if n <= 0 {
		r.bad = true
		return 0
	}
	r.rest = r.rest[n:]
	return v
}

func (r *rowReader) text() []byte { return r.take(r.varint()) }

func (r *rowReader) byte() byte {
	if b := r.take(1); b != nil {
		return b[0]
	}
	return 0
}

func (r *rowReader) rank() uint64 {
	if b := r.take(8); b != nil {
		return binary.BigEndian.Uint64(b)
	}
	return 0
}
