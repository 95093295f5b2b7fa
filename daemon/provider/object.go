package provider

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// What keeps a text from being one JSON object.
var (
	ErrNotObject = errors.New("not a JSON object")
	ErrCutShort  = errors.New("JSON object breaks off")
	ErrMalformed = errors.New("JSON object is malformed")
)

// An Object holds the members of a JSON object, each undecoded until it is
// asked for, so that one odd member spoils no other. encoding/json is an
// all-or-nothing reader: a bare NaN beside a rotated token would lose it.
type Object struct {
	members map[string][]byte
	// twice lists names that stood more than once; the last value that is
	// neither empty nor null holds.
	twice []string
}

// ReadObject reads text as one JSON object; a byte order mark before it and
// anything behind it are passed over. With ErrCutShort and ErrMalformed the
// Object holds the members before the fault.
func ReadObject(text []byte) (Object, error) {
	o := Object{members: make(map[string][]byte)}
	s := scanner{text: bytes.TrimPrefix(text, []byte("\ufeff"))}
	s.space()
	if !s.take('{') {
		return o, ErrNotObject
	}
	s.space()
	if s.take('}') {
		return o, nil
	}
	for {
		if err := s.member(&o); err != nil {
			return o, err
		}
		s.space()
		if s.take('}') {
			return o, nil
		}
		if !s.take(',') {
			return o, s.fault()
		}
		s.space()
		if s.take('}') { // a comma too many
			return o, nil
		}
	}
}

func (o *Object) add(name string, value []byte) {
	if _, ok := o.members[name]; ok {
		o.twice = append(o.twice, name)
		if text := string(value); text == `""` || text == "null" {
			return
		}
	}
	o.members[name] = value
}

// Has reports whether there is such a member and it is not null.
func (o Object) Has(name string) bool {
	value, ok := o.members[name]
	return ok && string(value) != "null"
}

// Text returns a member that is a string of valid Unicode.
func (o Object) Text(name string) (text string, ok bool) {
	text, ok = unquote(o.members[name])
	return text, ok && !strings.ContainsRune(text, utf8.RuneError)
}

// Line returns a member that is a string, for terminals, pages and files of
// others: on one line, with everything unprintable escaped, of at most so many
// bytes. A line break would be a line of its own in a token file, and an escape
// sequence an order to a terminal.
func (o Object) Line(name string, most int) string {
	text, _ := o.Text(name)
	return scrubber{}.clean(text, most)
}

// unquote decodes a JSON string; one without escapes, as all but a few are, at
// no cost.
func unquote(value []byte) (text string, ok bool) {
	if len(value) < 2 || value[0] != '"' || !utf8.Valid(value) {
		return "", false
	}
	plain := value[1 : len(value)-1]
	if !bytes.ContainsFunc(plain, func(r rune) bool { return r < ' ' || r == '\\' }) {
		return string(plain), true
	}
	ok = json.Unmarshal(value, &text) == nil
	return text, ok
}

// Number returns a member that is a number or a string that reads as one.
// What exceeds a float64 is infinite.
func (o Object) Number(name string) (n float64, ok bool) {
	text, ok := o.Text(name)
	if !ok {
		text = string(o.members[name])
	}
	n, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
	if err != nil && !errors.Is(err, strconv.ErrRange) || math.IsNaN(n) {
		return 0, false
	}
	return n, true
}

// Instant returns a member that is a point in time, in the forms of ParseInstant.
func (o Object) Instant(name string) (at time.Time, ok bool) {
	if text, ok := o.Text(name); ok {
		return ParseInstant(text)
	}
	return ParseInstant(string(o.members[name]))
}
