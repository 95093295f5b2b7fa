package store

import (
	"errors"
	"time"

	"google.golang.org/protobuf/encoding/protowire"
)

// Records and intents are messages in the wire format of protocol buffers:
// fields, each a tag and then a varint or a run of bytes.

// A fieldReader goes through the fields of one message:
//
//	for f.next() {
//		switch f.number { ... }
//	}
//	return f.err
//
// The accessors return zero and set err for a field that is not of their kind.
type fieldReader struct {
	rest []byte
	// tail is rest once more as a string: texts are cut out of it, so that
	// all of a record cost one allocation.
	tail string
	err  error

	number protowire.Number
	kind   protowire.Type
	varint uint64
	bytes  []byte
	string string
	raw    []byte // with its tag
}

var (
	errTruncated = errors.New("its encoding is truncated or malformed")
	errKind      = errors.New("a field is of the wrong kind")
)

func readFields(b []byte) fieldReader { return fieldReader{rest: b, tail: string(b)} }

func (f *fieldReader) next() bool {
	if f.err != nil || len(f.rest) == 0 {
		return false
	}
	number, kind, size := protowire.ConsumeTag(f.rest)
	if size < 0 {
		f.err = errTruncated
		return false
	}
	f.number, f.kind = number, kind
	f.varint, f.bytes, f.string = 0, nil, ""
	value := 0
	switch kind {
	case protowire.VarintType:
		f.varint, value = protowire.ConsumeVarint(f.rest[size:])
	case protowire.BytesType:
		f.bytes, value = protowire.ConsumeBytes(f.rest[size:])
	default:
		value = protowire.ConsumeFieldValue(number, kind, f.rest[size:])
	}
	if value < 0 {
		f.err = errTruncated
		return false
	}
	size += value
	f.string = f.tail[size-len(f.bytes) : size]
	f.raw, f.rest, f.tail = f.rest[:size], f.rest[size:], f.tail[size:]
	return true
}

func (f *fieldReader) text() string {
	f.expect(protowire.BytesType)
	return f.string
}

func (f *fieldReader) secret() Secret { return NewSecret(f.text()) }

func (f *fieldReader) octets() []byte {
	f.expect(protowire.BytesType)
	return f.bytes
}

func (f *fieldReader) message() fieldReader {
	return fieldReader{rest: f.octets(), tail: f.string}
}

func (f *fieldReader) uint() uint64 {
	f.expect(protowire.VarintType)
	return f.varint
}

func (f *fieldReader) bool() bool { return f.uint() != 0 }

func (f *fieldReader) time() time.Time {
	return time.UnixMilli(protowire.DecodeZigZag(f.uint())).UTC()
}

func (f *fieldReader) expect(kind protowire.Type) {
	if f.kind != kind {
		f.fail(errKind)
	}
}

// fail keeps the first error.
func (f *fieldReader) fail(err error) {
	if f.err == nil {
		f.err = err
	}
}

// The appenders leave out what is zero.

func appendText(b []byte, number protowire.Number, text string) []byte {
	if text == "" {
		return b
	}
	b = protowire.AppendTag(b, number, protowire.BytesType)
	return protowire.AppendString(b, text)
}

func appendBytes(b []byte, number protowire.Number, v []byte) []byte {
	if len(v) == 0 {
		return b
	}
	return appendMessage(b, number, v)
}

// appendMessage writes even an empty message: it says that there is one.
func appendMessage(b []byte, number protowire.Number, message []byte) []byte {
	b = protowire.AppendTag(b, number, protowire.BytesType)
	return protowire.AppendBytes(b, message)
}

func appendUint(b []byte, number protowire.Number, v uint64) []byte {
	if v == 0 {
		return b
	}
	b = protowire.AppendTag(b, number, protowire.VarintType)
	return protowire.AppendVarint(b, v)
}

func appendBool(b []byte, number protowire.Number, v bool) []byte {
	return appendUint(b, number, protowire.EncodeBool(v))
}

// appendTime writes the epoch itself as a zero varint: only the zero time is
// left out.
func appendTime(b []byte, number protowire.Number, t time.Time) []byte {
	if t.IsZero() {
		return b
	}
	b = protowire.AppendTag(b, number, protowire.VarintType)
	return protowire.AppendVarint(b, protowire.EncodeZigZag(t.UnixMilli()))
}
