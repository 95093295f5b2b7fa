package boltkv

import (
	"bytes"
	"encoding/binary"

	"webex-tokend/store"
)

// A key in an index bucket is
//
//	group | 00 | rank, 8 bytes big-endian | name
//
// so that bytes sort as (Group, Rank, Name) does: a group has no zero byte, so
// none is the beginning of another one's keys.
func appendKey(b []byte, group string, rank uint64, name string) []byte {
	b = appendGroup(b, group)
	b = binary.BigEndian.AppendUint64(b, rank)
	return append(b, name...)
}

func appendGroup(b []byte, group string) []byte {
	b = append(b, group...)
	return append(b, 0)
}

func keyOf(e store.Entry) []byte {
	b := make([]byte, 0, len(e.Group)+1+8+len(e.Name))
	return appendKey(b, e.Group, e.Rank, e.Name)
}

// groupOf returns the group of a key, and the whole of one that has no zero
// byte, as only a damaged one can.
func groupOf(key []byte) []byte {
	group, _, _ := bytes.Cut(key, []byte{0})
	return group
}

// splitKey parts what follows the group in a key; ok is false for one that is
// too short.
func splitKey(rest []byte) (rank uint64, name []byte, ok bool) {
	if len(rest) < 8 {
		return 0, nil, false
	}
	return binary.BigEndian.Uint64(rest), rest[8:], true
}
