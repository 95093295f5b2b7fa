package answer

import (
	"bytes"
	"encoding/base64"
	"html"
	"net/url"
	"regexp"
	"strings"
)

// maxDepth bounds how often an answer may be wrapped.
const maxDepth = 4

// Find returns the object of an answer that holds tokens, or an error, wherever
// it stands: alone, in a list or another object, in a string of JSON, in a call
// of JSONP, in a page, as a form. Each way but the first leaves a note. Without
// tokens it is what ReadObject returns.
func Find(text []byte) (o Object, notes []string, err error) { return find(text, maxDepth) }

func find(text []byte, depth int) (o Object, notes []string, err error) {
	text, note := Decode(text)
	if note != "" {
		notes = append(notes, note)
	}
	o, err = ReadObject(text)
	if err == nil && (o.HoldsTokens() || o.namesError()) || depth == 0 {
		return o, notes, err
	}
	for _, way := range []func([]byte, int) (Object, []string, bool){fromInside, fromString, fromMembers, fromForm, fromPage, fromBase64} {
		if found, how, ok := way(text, depth); ok {
			return found, append(notes, how...), nil
		}
	}
	return o, notes, err
}

// HoldsTokens reports that an object has an access or a refresh token.
func (o Object) HoldsTokens() bool {
	return says(o.value("access_token")) || says(o.value("refresh_token"))
}

// IsError reports that an object speaks of an error, whatever status it came with.
func (o Object) IsError() bool { return o.namesError() || o.Has("error") || o.Has("errors") }

// namesError reports that it also says which. What an error repeats of a request
// is not to be taken for an answer.
func (o Object) namesError() bool {
	for _, name := range []string{"error", "errors", "error_code", "errcode"} {
		if value := string(o.value(name)); says(o.value(name)) && value != "0" && value != "false" && value != "[]" {
			return true
		}
	}
	return false
}

// fromInside looks for the innermost object around the name of a token.
func fromInside(text []byte, _ int) (Object, []string, bool) {
	for _, at := range tokenNames().FindAllIndex(text, 16) {
		for i, tries := at[0], 0; i >= 0 && tries < 16; tries++ {
			if i = bytes.LastIndexByte(text[:i], '{'); i < 0 {
				break
			}
			if o, err := ReadObject(text[i:]); err == nil && o.HoldsTokens() {
				return o, []string{"there is more around the object with the tokens"}, true
			}
		}
	}
	return Object{}, nil, false
}

// tokenNames are the names of tokens, as a text may have them.
func tokenNames() *regexp.Regexp {
	return regexp.MustCompile(`(?i)(?:access|refresh)[-_. ]?token`)
}

// fromString reads a string of JSON that has JSON in it.
func fromString(text []byte, depth int) (Object, []string, bool) {
	s := scanner{text: bytes.TrimSpace(text)}
	quoted, err := s.quoted()
	if err != nil {
		return Object{}, nil, false
	}
	return fromText(quoted, depth)
}

func fromText(quoted []byte, depth int) (Object, []string, bool) {
	inner, ok := Unquote(quoted)
	if !ok || !tokenNames().MatchString(inner) {
		return Object{}, nil, false
	}
	o, notes, err := find([]byte(inner), depth-1)
	return o, append(notes, "the object stands in a string"), err == nil && o.HoldsTokens()
}

// fromMembers looks into the texts of an object or a list.
func fromMembers(text []byte, depth int) (Object, []string, bool) {
	o, _ := ReadObject(text)
	values := Object{members: []member{{name: "list", flat: "list", value: bytes.TrimSpace(text)}}}.List("list")
	for _, m := range o.members {
		values = append(values, m.value)
	}
	for _, value := range values {
		if found, notes, ok := fromText(value, depth); ok {
			return found, notes, true
		}
	}
	return Object{}, nil, false
}

// fromForm reads "access_token=...&refresh_token=...", of which the tokens may
// be lines.
func fromForm(text []byte, _ int) (Object, []string, bool) {
	plain := strings.TrimSpace(string(text))
	if !regexp.MustCompile(`^[?#]?[\w.%-]+=[^\s<>{}]*([&\r\n]+[\w.%-]+=[^\s<>{}]*)*$`).MatchString(plain) {
		return Object{}, nil, false
	}
	var o Object
	for pair := range strings.FieldsFuncSeq(strings.TrimLeft(plain, "?#"), func(r rune) bool { return r == '&' || r == '\r' || r == '\n' }) {
		name, value, _ := strings.Cut(pair, "=")
		name, err := url.QueryUnescape(name)
		value, err2 := url.QueryUnescape(value)
		if err != nil || err2 != nil {
			return Object{}, nil, false
		}
		o.add(name, quote(value))
	}
	return o, []string{"the answer is a form"}, o.HoldsTokens() || o.IsError()
}

// quote writes a string of JSON; bytes that are no UTF-8 stay as they are.
func quote(text string) []byte {
	b := []byte{'"'}
	for i := range len(text) {
		if c := text[i]; c == '"' || c == '\\' {
			b = append(b, '\\')
		}
		b = append(b, text[i])
	}
	return append(b, '"')
}

// fromPage undoes the entities of HTML.
func fromPage(text []byte, depth int) (Object, []string, bool) {
	if !bytes.Contains(text, []byte("&quot;")) && !bytes.Contains(text, []byte("&#")) {
		return Object{}, nil, false
	}
	o, notes, err := find([]byte(html.UnescapeString(string(text))), depth-1)
	return o, append(notes, "the object stands in a page"), err == nil && o.HoldsTokens()
}

func fromBase64(text []byte, depth int) (Object, []string, bool) {
	packed := strings.TrimRight(strings.Map(func(r rune) rune {
		switch r {
		case '-':
			return '+'
		case '_':
			return '/'
		case '\r', '\n', ' ', '"':
			return -1
		}
		return r
	}, string(text)), "=")
	inner, err := base64.RawStdEncoding.DecodeString(packed)
	if err != nil || !looksLikeText(inner) {
		return Object{}, nil, false
	}
	o, notes, err := find(inner, depth-1)
	return o, append(notes, "the object is in base64"), err == nil && o.HoldsTokens()
}
