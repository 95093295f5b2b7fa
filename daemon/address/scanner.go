package address

import (
	"bytes"
	"unicode/utf8"
)

// A scanner goes through the attributes and blocks of one body of HCL. Each of
// its methods gives up at what it does not expect.
type scanner struct {
	src []byte
	at  int
}

// peek is 0 at the end, as after a NUL, which no configuration has.
func (s *scanner) peek() byte {
	if s.at < len(s.src) {
		return s.src[s.at]
	}
	return 0
}

// space passes over blanks and comments, and with lines over the ends of lines.
func (s *scanner) space(lines bool) (ok bool) {
	for {
		switch c := s.peek(); {
		case c == ' ' || c == '\t' || c == '\r':
			s.at++
		case c == '\n' && lines:
			s.at++
		case c == '#' || c == '/' && bytes.HasPrefix(s.src[s.at:], []byte("//")):
			s.line()
		case c == '/' && bytes.HasPrefix(s.src[s.at:], []byte("/*")):
			length := bytes.Index(s.src[s.at+2:], []byte("*/"))
			if length < 0 {
				return false
			}
			s.at += 2 + length + 2
		default:
			return true
		}
	}
}

// line goes to the end of the line.
func (s *scanner) line() {
	length := bytes.IndexByte(s.src[s.at:], '\n')
	if length < 0 {
		length = len(s.src) - s.at
	}
	s.at += length
}

// name is that of the next attribute or block, empty at the end of the body.
func (s *scanner) name() (name string, ok bool) {
	if !s.space(true) {
		return "", false
	}
	start := s.at
	for c := s.peek(); c == '_' || c == '-' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'; c = s.peek() {
		s.at++
	}
	name = string(s.src[start:s.at])
	return name, name != "" || s.at == len(s.src) || s.peek() == '}'
}

// value is the text of the attribute whose name was just read. It is not empty.
func (s *scanner) value() (text string, ok bool) {
	if !s.space(false) || s.peek() != '=' {
		return "", false
	}
	s.at++
	if !s.space(false) || s.peek() != '"' {
		return "", false
	}
	start := s.at + 1
	if !s.quoted() {
		return "", false
	}
	inner := s.src[start : s.at-1]
	if len(inner) == 0 || bytes.IndexByte(inner, '\\') >= 0 || !plain(inner) || !s.space(false) || s.peek() != '\n' && s.peek() != '}' && s.at < len(s.src) {
		return "", false
	}
	return string(inner), true
}

// plain reports whether a text means what it is: HCL writes all others in the
// composed form of their characters.
func plain(text []byte) bool {
	for _, c := range text {
		if c < ' ' || c >= utf8.RuneSelf || c == '$' || c == '%' {
			return false
		}
	}
	return true
}

// attribute looks for one in the block without labels whose name was just read,
// and passes over the rest; empty means that it is not there.
func (s *scanner) attribute(wanted string) (text string, ok bool) {
	if !s.space(false) || s.peek() != '{' {
		return "", false
	}
	s.at++
	for {
		name, ok := s.name()
		switch {
		case !ok:
			return "", false
		case name == "":
			if s.peek() != '}' {
				return "", false
			}
			s.at++
			return text, true
		case name == wanted:
			if text, ok = s.value(); !ok {
				return "", false
			}
		default:
			if !s.skip() {
				return "", false
			}
		}
	}
}

// skip passes over the rest of an attribute or block whose name was just read: to
// the end of the line in which every bracket is closed again, or to one that
// closes what is around it.
func (s *scanner) skip() (ok bool) {
	if !s.space(false) || s.peek() != '=' && !s.labels() {
		return false
	}
	for depth := 0; ; {
		if !s.space(depth > 0) {
			return false
		}
		switch s.peek() {
		case '\n':
			return true
		case 0:
			return depth == 0 && s.at == len(s.src)
		case '{', '[', '(':
			depth++
			s.at++
		case '}', ']', ')':
			if depth == 0 {
				return s.peek() == '}'
			}
			depth--
			s.at++
		case '"':
			if !s.quoted() {
				return false
			}
		case '<':
			if !s.heredoc() {
				return false
			}
		default:
			s.at++
			s.word()
		}
	}
}

// word passes over what means nothing to skip.
func (s *scanner) word() {
	for ; s.at < len(s.src); s.at++ {
		switch s.src[s.at] {
		case 0, '\n', '#', '/', '"', '<', '{', '}', '[', ']', '(', ')':
			return
		}
	}
}

// labels passes over those of a block, up to its bracket.
func (s *scanner) labels() (ok bool) {
	for s.space(false) {
		switch c := s.peek(); {
		case c == '{':
			return true
		case c == '"':
			if !s.quoted() {
				return false
			}
		default:
			if name, ok := s.name(); !ok || name == "" {
				return false
			}
		}
	}
	return false
}

// quoted passes over a text in quotes. One with a template in it, which may hold
// quotes of its own, is not understood.
func (s *scanner) quoted() (ok bool) {
	for s.at++; s.at < len(s.src); s.at++ {
		switch s.src[s.at] {
		case '"':
			s.at++
			return true
		case '\\':
			s.at++
		case '\n':
			return false
		case '$', '%':
			if bytes.HasPrefix(s.src[s.at+1:], []byte("{")) {
				return false
			}
		}
	}
	return false
}

// heredoc passes over one, or over a single sign that begins none.
func (s *scanner) heredoc() (ok bool) {
	if !bytes.HasPrefix(s.src[s.at:], []byte("<<")) {
		s.at++
		return true
	}
	start := s.at
	s.line()
	end := bytes.TrimLeft(bytes.TrimSpace(s.src[start:s.at]), "<-")
	if len(end) == 0 {
		return false
	}
	for s.at < len(s.src) {
		s.at++ // the end of the line before
		start = s.at
		s.line()
		switch line := bytes.TrimSpace(s.src[start:s.at]); {
		case bytes.Equal(line, end):
			return true
		case bytes.Contains(line, []byte("${")), bytes.Contains(line, []byte("%{")):
			return false
		}
	}
	return false
}
