package answer

import "bytes"

// A scanner parts the members of a JSON object without judging their values. It
// also takes what hands and scripting languages make of JSON: names and texts in
// single quotes, and names without any.
type scanner struct {
	text []byte
	at   int
}

func (s *scanner) space() {
	for s.at < len(s.text) && bytes.IndexByte([]byte(" \t\r\n"), s.text[s.at]) >= 0 {
		s.at++
	}
}

func (s *scanner) take(c byte) bool {
	if s.at < len(s.text) && s.text[s.at] == c {
		s.at++
		return true
	}
	return false
}

// fault says why the text cannot go on as it should.
func (s *scanner) fault() error {
	if s.at >= len(s.text) {
		return ErrCutShort
	}
	return ErrMalformed
}

func (s *scanner) object() (o Object, err error) {
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

// member reads `"name": value` into o.
func (s *scanner) member(o *Object) error {
	name, err := s.name()
	if err != nil {
		return err
	}
	s.space()
	if !s.take(':') {
		return s.fault()
	}
	s.space()
	value, err := s.value()
	if err != nil {
		return err
	}
	o.add(name, value)
	return nil
}

func (s *scanner) name() (string, error) {
	start := s.at
	if s.at < len(s.text) && isLetter(s.text[s.at]) {
		for s.at < len(s.text) && (isLetter(s.text[s.at]) || s.text[s.at] == '-' || '0' <= s.text[s.at] && s.text[s.at] <= '9') {
			s.at++
		}
		return string(s.text[start:s.at]), nil
	}
	quoted, err := s.quoted()
	if err != nil {
		return "", err
	}
	if name, ok := Unquote(quoted); ok {
		return name, nil
	}
	return string(quoted), nil // it is none that anybody asks for
}

func isLetter(c byte) bool {
	return c == '_' || c == '$' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}

// quoted returns a string with its quotes.
func (s *scanner) quoted() ([]byte, error) {
	start := s.at
	quote := byte('"')
	if s.at < len(s.text) && s.text[s.at] == '\'' {
		quote = '\''
	}
	if !s.take(quote) {
		return nil, s.fault()
	}
	for s.at < len(s.text) {
		switch s.text[s.at] {
		case '\\':
			s.at++
		case quote:
			s.at++
			return s.text[start:s.at], nil
		}
		s.at++
	}
	return nil, ErrCutShort
}

func (s *scanner) value() ([]byte, error) {
	start := s.at
	if s.at >= len(s.text) {
		return nil, ErrCutShort
	}
	switch s.text[s.at] {
	case '"', '\'':
		return s.quoted()
	case '{', '[':
		if err := s.nested(); err != nil {
			return nil, err
		}
	default:
		if err := s.bare(); err != nil {
			return nil, err
		}
	}
	return s.text[start:s.at], nil
}

// nested passes over an object or array. It counts brackets without pairing
// their kinds: whether the value is sound matters to whoever decodes it.
func (s *scanner) nested() error {
	for depth := 0; s.at < len(s.text); {
		switch s.text[s.at] {
		case '"':
			if _, err := s.quoted(); err != nil {
				return err
			}
			continue
		case '{', '[':
			depth++
		case '}', ']':
			depth--
		}
		s.at++
		if depth == 0 {
			return nil
		}
	}
	return ErrCutShort
}

// bare passes over a number, a literal, or what a careless server wrote
// instead, such as NaN.
func (s *scanner) bare() error {
	start := s.at
	for s.at < len(s.text) && bytes.IndexByte([]byte(" \t\r\n,:\"{}[]"), s.text[s.at]) < 0 {
		s.at++
	}
	switch s.at {
	case len(s.text): // the rest of it may be missing
		return ErrCutShort
	case start:
		return ErrMalformed
	}
	return nil
}
