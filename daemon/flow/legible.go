package flow

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// legible returns data as text, or says what else it is. Blank lines around it
// are gone; the indentation of the first one stays, for YAML counts it.
func legible(data []byte) (string, error) {
	if len(data) > MaxSize {
		return "", fmt.Errorf("has more than %d bytes", MaxSize)
	}
	text := strings.TrimRight(strings.TrimPrefix(string(data), "\ufeff"), " \t\r\n")
	trimmed := strings.TrimLeft(text, " \t\r\n")
	text = text[strings.LastIndexByte(text[:len(text)-len(trimmed)], '\n')+1:]
	switch {
	case text == "":
		return "", errors.New("is empty")
	case !utf8.ValidString(text) || strings.ContainsFunc(text, unprintable):
		return "", errors.New("is binary, not text")
	case opens(text, "<"):
		return "", errors.New("looks like an HTML page, not a token response")
	case opens(text, "["):
		return "", errors.New("is a list, not one token response")
	}
	return text, nil
}

// opens reports that a text begins so behind its indentation.
func opens(text, with string) bool {
	return strings.HasPrefix(strings.TrimLeft(text, " \t"), with)
}

func unprintable(r rune) bool {
	return unicode.IsControl(r) && r != '\n' && r != '\r' && r != '\t'
}

// isBare reports that a text is one word, or "Bearer" and one.
func isBare(text string) bool {
	words := strings.Fields(text)
	return !opens(text, "{") && (len(words) == 1 || len(words) == 2 && strings.EqualFold(words[0], "bearer"))
}

// checkBare refuses what gets into a token file by mistake.
func checkBare(token string) error {
	name, value, assigned := strings.Cut(token, "=")
	switch {
	case len(token) > 8<<10:
		return errors.New("is too long for a token")
	case token == "null" || token == "undefined" || token == "None":
		// What jq, JavaScript and Python print for a member that is not there.
		return fmt.Errorf("holds the word %s, not a token", token)
	case assigned && name != "" && strings.Trim(value, "=") != "":
		return errors.New("looks like NAME=value, not a bare token")
	case strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r > '~' || strings.ContainsRune(`"'{}<>`, r) }):
		return errors.New("has characters that no token has")
	}
	return nil
}
