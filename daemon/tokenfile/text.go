package tokenfile

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
	"webex-tokend/daemon/answer"
)

// decode returns data as text, or says what else it is. Blank lines around it
// are gone; the indentation of the first one stays, for YAML counts it.
func decode(data []byte) (text string, notes []string, err error) {
	if len(data) > MaxSize {
		return "", nil, fmt.Errorf("has more than %d bytes", MaxSize)
	}
	text, note := characters(data)
	if note != "" {
		notes = append(notes, note)
	}
	text = strings.TrimRightFunc(strings.TrimPrefix(text, "\ufeff"), blank)
	trimmed := strings.TrimLeftFunc(text, blank)
	text = text[strings.LastIndexByte(text[:len(text)-len(trimmed)], '\n')+1:]
	switch {
	case text == "":
		return "", nil, errors.New("is empty")
	case strings.ContainsFunc(text, unprintable):
		return "", nil, errors.New("is binary, not text")
	case opens(text, "<"):
		return "", nil, errors.New("looks like an HTML page, not a token response")
	case opens(text, "["+"{"), opens(text, "[]"):
		return "", nil, errors.New("is a list, not one token response")
	}
	return text, notes, nil
}

// characters decodes UTF-8, the encodings of answer.Decode, of which PowerShell
// writes UTF-16, and what is none of them as Latin-1. Tokens are ASCII in all of
// them: what Latin-1 gets wrong of other encodings are names and comments.
func characters(data []byte) (text, note string) {
	decoded, note := answer.Decode(data)
	if note == "" && !utf8.Valid(data) {
		return answer.Latin1(string(data)), "the text is not UTF-8 and was read as Latin-1"
	}
	return string(decoded), note
}

// blank characters around a text are no part of it.
func blank(r rune) bool { return unicode.IsSpace(r) || invisible(r) }

// invisible is true of characters that copying brings along and nobody sees:
// zero-width ones, marks of direction, soft hyphens, byte order marks.
func invisible(r rune) bool {
	return unicode.Is(unicode.Cf, r) || r == '\u034f' || r == '\u115f' || r == '\u3164'
}

// opens reports that a text begins so behind its indentation, blanks aside.
func opens(text, with string) bool {
	for _, r := range with {
		text = strings.TrimLeft(text, " \t\r\n")
		if !strings.HasPrefix(text, string(r)) {
			return false
		}
		text = text[len(string(r)):]
	}
	return true
}

func unprintable(r rune) bool {
	return unicode.IsControl(r) && r != '\n' && r != '\r' && r != '\t' && r != '\u0085'
}
