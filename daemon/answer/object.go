package answer

import (
	"bytes"
	"errors"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// What keeps a text from being one object.
var (
	ErrNotObject = errors.New("not a JSON object")
	ErrCutShort  = errors.New("JSON object breaks off")
	ErrMalformed = errors.New("JSON object is malformed")
)

// An Object holds the members of a JSON object, each undecoded until it is
// asked for, so that one odd member spoils no other. encoding/json is an
// all-or-nothing reader: a bare NaN beside a rotated token would lose it.
//
// A member is found by its name, else by one that differs in case and
// separators only: refreshToken, REFRESH_TOKEN and "Refresh-Token" are all
// refresh_token. Of several with a name, the last one with something in it
// holds.
type Object struct {
	members []member // in their order
}

type member struct {
	name  string
	flat  string // the name without case and separators
	value []byte
}

// ReadObject reads text as one JSON object; a byte order mark before it and
// anything behind it are passed over. With ErrCutShort and ErrMalformed the
// Object holds the members before the fault.
func ReadObject(text []byte) (Object, error) {
	s := scanner{text: bytes.TrimPrefix(text, []byte("\ufeff"))}
	return s.object()
}

func (o *Object) add(name string, value []byte) {
	o.members = append(o.members, member{name, flatten(name), value})
}

// flatten takes case and separators out of a name.
func flatten(name string) string {
	plain := func(r rune) bool { return 'a' <= r && r <= 'z' || '0' <= r && r <= '9' }
	if !strings.ContainsFunc(name, func(r rune) bool { return !plain(r) }) {
		return name
	}
	return strings.Map(func(r rune) rune {
		switch r {
		case '_', '-', '.', ' ':
			return -1
		}
		return r
	}, strings.ToLower(name))
}

// says reports that a value has something in it.
func says(value []byte) bool {
	switch string(value) {
	case "", `""`, "''", "null", "None", "nil", "undefined":
		return false
	}
	return true
}

// value returns what stands under a name, nil without such a member.
func (o Object) value(name string) []byte {
	var exact, alike []byte
	flat := flatten(name)
	for _, m := range o.members {
		switch {
		case m.name == name && (exact == nil || says(m.value)):
			exact = m.value
		case m.name != name && m.flat == flat && (alike == nil || says(m.value)):
			alike = m.value
		}
	}
	if says(exact) || alike == nil {
		return exact
	}
	return alike
}

// Values returns all that stands under a name in any spelling, in its order.
func (o Object) Values(name string) [][]byte {
	var list [][]byte
	flat := flatten(name)
	for _, m := range o.members {
		if m.flat == flat && says(m.value) {
			list = append(list, m.value)
		}
	}
	return list
}

// Twice reports that a name, as it is spelled here, stands more than once.
func (o Object) Twice(name string) bool {
	n := 0
	for _, m := range o.members {
		if m.name == name {
			n++
		}
	}
	return n > 1
}

// Has reports whether there is such a member and it is not null.
func (o Object) Has(name string) bool {
	value := o.value(name)
	return len(value) > 0 && string(value) != "null"
}

// Raw returns a member as it is written.
func (o Object) Raw(name string) []byte { return o.value(name) }

// Text returns a member that is a string, as valid Unicode: bytes that are not
// UTF-8 are read as Latin-1. What stands for an unreadable character is none.
func (o Object) Text(name string) (text string, ok bool) {
	text, ok = Unquote(o.value(name))
	if ok && !utf8.ValidString(text) {
		text = Latin1(text)
	}
	return text, ok && !strings.ContainsRune(text, utf8.RuneError)
}

// Number returns a member that is a number or a string that reads as one.
// What exceeds a float64 is infinite.
func (o Object) Number(name string) (n float64, ok bool) {
	n, err := strconv.ParseFloat(strings.TrimSpace(o.plain(name)), 64)
	if err != nil && !errors.Is(err, strconv.ErrRange) || math.IsNaN(n) {
		return 0, false
	}
	return n, true
}

// Instant returns a member that is a point in time, in the forms of ParseInstant.
func (o Object) Instant(name string) (at time.Time, ok bool) { return ParseInstant(o.plain(name)) }

// plain returns a member without quotes, if it has any.
func (o Object) plain(name string) string {
	if text, ok := o.Text(name); ok {
		return text
	}
	return string(o.value(name))
}

// Inner returns a member that is an object itself.
func (o Object) Inner(name string) (Object, bool) {
	inner, err := ReadObject(o.value(name))
	return inner, err == nil
}

// List returns the values of a member that is an array; one that is not sound
// ends before its fault.
func (o Object) List(name string) [][]byte {
	s := scanner{text: o.value(name)}
	if !s.take('[') {
		return nil
	}
	var list [][]byte
	for {
		s.space()
		value, err := s.value()
		if err != nil {
			return list
		}
		list = append(list, value)
		if s.space(); !s.take(',') {
			return list
		}
	}
}

// Names returns the names of the members, in their order.
func (o Object) Names() []string {
	names := make([]string, len(o.members))
	for i, m := range o.members {
		names[i] = m.name
	}
	return names
}
