package answer

import (
	"bytes"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// Unquote decodes a string of JSON to the bytes that it spells: those that are
// no UTF-8 stay as they are, since a token goes back as it came. A line break
// may stand in it unescaped. False: it is no string, or an escape in it stands
// for nothing that could be sent back, such as half of a surrogate pair.
func Unquote(value []byte) (text string, ok bool) {
	if len(value) < 2 || value[0] != '"' && value[0] != '\'' || value[len(value)-1] != value[0] {
		return "", false
	}
	plain := value[1 : len(value)-1]
	if bytes.IndexByte(plain, '\\') < 0 {
		return string(plain), true
	}
	b := make([]byte, 0, len(plain))
	for len(plain) > 0 {
		if plain[0] != '\\' {
			b, plain = append(b, plain[0]), plain[1:]
			continue
		}
		r, n := escaped(plain)
		if n == 0 {
			return "", false
		}
		b, plain = utf8.AppendRune(b, r), plain[n:]
	}
	return string(b), true
}

// escaped decodes the escape at the beginning of text and returns its length;
// 0: it is none.
func escaped(text []byte) (r rune, n int) {
	if len(text) < 2 {
		return 0, 0
	}
	switch c := text[1]; c {
	case '"', '\\', '/', '\'':
		return rune(c), 2
	case 'b':
		return '\b', 2
	case 'f':
		return '\f', 2
	case 'n':
		return '\n', 2
	case 'r':
		return '\r', 2
	case 't':
		return '\t', 2
	case 'x':
		return hex(text[2:], 2, 4)
	case 'u':
		r, n = hex(text[2:], 4, 6)
		if n == 0 || !utf16.IsSurrogate(r) {
			return r, n
		}
		if len(text) < 8 || text[6] != '\\' || text[7] != 'u' {
			return 0, 0
		}
		low, m := hex(text[8:], 4, 6)
		if r = utf16.DecodeRune(r, low); m == 0 || r == utf8.RuneError {
			return 0, 0
		}
		return r, n + m
	}
	return 0, 0
}

func hex(text []byte, digits, length int) (r rune, n int) {
	if len(text) < digits {
		return 0, 0
	}
	v, err := strconv.ParseUint(string(text[:digits]), 16, 32)
	if err != nil {
		return 0, 0
	}
	return rune(v), length
}

// Decode turns a text in UTF-16 or UTF-32 into UTF-8; note says from what. It
// goes by the byte order mark, and without one by the zeros beside the first
// bracket. Any other text stays as it is.
func Decode(text []byte) (decoded []byte, note string) {
	unit, big := 0, false
	switch {
	case bytes.HasPrefix(text, []byte("\xff\xfe\x00\x00")), bytes.HasPrefix(text, []byte("{\x00\x00\x00")):
		unit = 4
	case bytes.HasPrefix(text, []byte("\x00\x00\xfe\xff")), bytes.HasPrefix(text, []byte("\x00\x00\x00{")):
		unit, big = 4, true
	case bytes.HasPrefix(text, []byte("\xff\xfe")), len(text) > 3 && text[0] != 0 && text[1] == 0 && text[3] == 0:
		unit = 2
	case bytes.HasPrefix(text, []byte("\xfe\xff")), len(text) > 3 && text[0] == 0 && text[1] != 0 && text[2] == 0:
		unit, big = 2, true
	default:
		return text, ""
	}
	units := make([]uint16, 0, len(text)/unit*2)
	var runes []rune
	for ; len(text) >= unit; text = text[unit:] {
		var v uint32
		for i := range unit {
			at := i
			if !big {
				at = unit - 1 - i
			}
			v = v<<8 | uint32(text[at])
		}
		if unit == 4 {
			runes = append(runes, rune(v))
			continue
		}
		units = append(units, uint16(v))
	}
	if unit == 2 {
		runes = utf16.Decode(units)
	}
	return []byte(strings.TrimPrefix(string(runes), "\ufeff")), "the text is in UTF-" + strconv.Itoa(8*unit)
}

// Latin1 reads each byte as one character, which fits any text whose tokens are
// ASCII.
func Latin1(text string) string {
	var b strings.Builder
	for i := range len(text) {
		b.WriteRune(rune(text[i]))
	}
	return b.String()
}
