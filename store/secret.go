package store

import (
	"crypto/subtle"
	"fmt"
	"io"
)

// redacted is what every way of printing a Secret shows.
const redacted = "[redacted]"

// A Secret holds a token, a client secret or a code verifier so that no
// formatter can print it: the text lives behind a func value, because fmt
// calls no method on an unexported field but prints nothing of a closure
// beside its address. The zero Secret is empty.
//
// Reveal is the only way out; it is the one word to search for.
type Secret struct {
	reveal func() string
}

// NewSecret wraps text. Empty text gives the zero Secret.
func NewSecret(text string) Secret {
	if text == "" {
		return Secret{}
	}
	return Secret{reveal: func() string { return text }}
}

// Reveal returns the text itself.
func (s Secret) Reveal() string {
	if s.reveal == nil {
		return ""
	}
	return s.reveal()
}

// Empty reports whether there is no text.
func (s Secret) Empty() bool { return s.reveal == nil }

// Equal compares in constant time for texts of equal length.
func (s Secret) Equal(t Secret) bool {
	return subtle.ConstantTimeCompare([]byte(s.Reveal()), []byte(t.Reveal())) == 1
}

// Format answers every verb and flag of fmt.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// String serves callers that ask for a string without fmt, such as loggers.
func (s Secret) String() string { return redacted }

// MarshalText serves JSON, XML and text loggers. There is no UnmarshalText:
// secrets enter through NewSecret alone.
func (s Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }
