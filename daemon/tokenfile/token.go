package tokenfile

import (
	"errors"
	"fmt"
	"strings"
)

// Bounds of tokens, in bytes. Webex access tokens that are JWTs have about two
// thousand.
const (
	maxAccess  = 16 << 10
	maxRefresh = 8 << 10
)

// cleanToken returns a token without what copying put around it, and a note of
// what that was. Anything that no server could have issued is refused: what is
// stored here is sent and published as it is.
func cleanToken(text string, most int) (token, note string, err error) {
	token = strings.TrimFunc(text, blank)
	if token != text {
		note = "had blanks or invisible characters around it"
	}
	for _, scheme := range []string{"authorization:", "bearer"} {
		if rest, ok := cutFold(token, scheme); ok {
			token, note = rest, "had its scheme before it"
		}
	}
	if inner, ok := quoted(token); ok {
		token, note = inner, "had quotes around it"
	}
	return token, note, checkToken(token, most)
}

// cutFold cuts a word and the blanks behind it off a text, whatever their case.
func cutFold(text, word string) (string, bool) {
	if len(text) <= len(word) || !strings.EqualFold(text[:len(word)], word) {
		return text, false
	}
	rest := strings.TrimLeftFunc(text[len(word):], blank)
	return rest, len(rest) < len(text)-len(word) || strings.HasSuffix(word, ":")
}

func quoted(text string) (string, bool) {
	for _, pair := range []string{`""`, `''`, "``", "“”", "‘’", "«»"} {
		marks := []rune(pair)
		open, end := string(marks[0]), string(marks[1])
		if len(text) > len(open)+len(end) && strings.HasPrefix(text, open) && strings.HasSuffix(text, end) {
			return strings.TrimFunc(text[len(open):len(text)-len(end)], blank), true
		}
	}
	return text, false
}

// checkToken refuses what gets into a token file by mistake.
func checkToken(token string, most int) error {
	name, value, assigned := strings.Cut(token, "=")
	switch {
	case token == "":
		return errors.New("is empty")
	case len(token) > most:
		return errors.New("is too long for a token")
	case token == "null" || token == "undefined" || token == "None":
		// What jq, JavaScript and Python print for a member that is not there.
		return fmt.Errorf("holds the word %s, not a token", token)
	case placeholder(token):
		return errors.New("holds a placeholder, not a token")
	case strings.ContainsAny(token, "\r\n"):
		return errors.New("is wrapped over several lines: put it on one")
	case strings.ContainsFunc(token, blank):
		return errors.New("has a blank or an invisible character inside")
	case strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r > '~' || strings.ContainsRune(`"'{}<>\`, r) }):
		return errors.New("has characters that no token has")
	case assigned && memberOf(name) != "", assigned && name != "" && strings.Trim(value, "=") != "" && !strings.ContainsAny(name, "+/.~"):
		return errors.New("looks like NAME=value, not a bare token")
	}
	return nil
}

// placeholder reports that a text stands in for a token: what languages print for
// nothing, what a manual writes for the reader to fill in, and tokens that were
// masked or shortened for a screen.
func placeholder(token string) bool {
	switch strings.ToLower(token) {
	case "null", "none", "nil", "nan", "true", "false", "redacted", "[redacted]", "(redacted)", "hidden", "changeme", "todo", "[object", "-":
		return true
	}
	lower := strings.ToLower(token)
	for _, start := range []string{"<", "${", "$(", "{{", "%%", "your_", "your-", "[object", "__n8n_blank"} {
		if strings.HasPrefix(lower, start) {
			return true
		}
	}
	return strings.Contains(token, "***") || strings.Contains(token, "•") || strings.Contains(token, "…") ||
		strings.HasSuffix(token, "...") || strings.HasPrefix(token, "...")
}
