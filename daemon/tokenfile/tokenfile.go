// Package tokenfile reads what other tools keep: token responses, captures of
// them, and token files in JSON, YAML, dotenv, INI and TOML. It promises to read
// nothing half: a text is understood whole or refused in one line that quotes
// none of it, and no token is taken that no server could have issued.
package tokenfile

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"webex-tokend/daemon/answer"
	"webex-tokend/daemon/config"
	"webex-tokend/daemon/provider"
	"webex-tokend/store"
)

// The formats of Parse. All but RefreshToken and Static read the same texts; the
// names are those under which people know their files.
const (
	Auto         = "auto"          // told from the text; a bare line is a refresh token
	Response     = "response"      // a token response, also with members of the file around it
	WxcSDK       = "wxc-sdk"       // the token file of wxc_sdk
	Wtr          = "wtr"           // .wtr-cli.json
	RefreshToken = "refresh-token" // one line, or a response of which only this member counts
	// Static is Auto for bots and personal tokens: a bare line is an access token.
	Static = "static"
)

// MaxSize is the longest text that is read, in bytes.
const MaxSize = 64 << 10

// longestLife admits the tokens of bots, which live a hundred years.
const longestLife = 150 * 365 * 24 * time.Hour

// An Import holds the content of a file about a grant. AccessEnd and RefreshEnd are
// set where the file has instants or the access token carries its own.
type Import struct {
	provider.Answer
	// IssuedAt is when the response came, as the file says it or as its
	// instants and lives together imply; zero: not known.
	IssuedAt time.Time
	// derived: IssuedAt is implied. Then the instants of the file hold anyway.
	derived bool
}

// Check refuses an import that says it was issued at a time yet to come.
func (i Import) Check(now time.Time) error {
	if i.derived {
		return nil
	}
	return CheckIssuedAt(i.IssuedAt, now)
}

// FormatFor settles what only the kind of a grant can tell about Auto: a bare
// line is an access token where tokens are never refreshed, else a refresh token.
func FormatFor(kind, format string) string {
	if (format == "" || format == Auto) && kind == string(config.Static) {
		return Static
	}
	return format
}

// Parse reads a text in one of the formats; an empty one means Auto.
func Parse(data []byte, format string) (Import, error) {
	switch format {
	case "", Auto, Static, Response, WxcSDK, Wtr, RefreshToken:
	default:
		return Import{}, fmt.Errorf("has the unknown format %q", format)
	}
	text, notes, err := decode(data)
	if err != nil {
		return Import{}, err
	}
	c, err := unwrap(text)
	if err != nil {
		return Import{}, err
	}
	i, err := parseText(c.body, format)
	if err != nil {
		return Import{}, err
	}
	i.Notes = append(append(notes, c.notes...), i.Notes...)
	if i.IssuedAt.IsZero() && i.AccessEnd.IsZero() && !c.date.IsZero() {
		i.IssuedAt = c.date
		i.Notes = append(i.Notes, "the time of issue is the Date header's")
	}
	return i, nil
}

func parseText(text, format string) (Import, error) {
	if isBare(text) && format != Response && format != WxcSDK && format != Wtr {
		return parseBare(text, format)
	}
	tree, notes, err := parseTree(text)
	if err != nil {
		return Import{}, err
	}
	o, where, err := find(tree)
	if err != nil {
		return Import{}, err
	}
	i, err := read(o)
	if err != nil {
		return Import{}, err
	}
	if where != "" {
		notes = append(notes, "the tokens stand under "+where)
	}
	i.Notes = append(notes, i.Notes...)
	if format == RefreshToken {
		return i, i.wantsRefresh()
	}
	return i, i.wantsAccess()
}

// A Line is one grant of a bulk import:
//
//	{"grant":"ops","access_token":"...","expires_in":1209599,"refresh_token":"...","issued_at":"2026-01-02T03:04:05Z"}
//
// with any member of a response. No format can be given with a line, so that
// one which has a refresh token and no access_token at all is taken as it is.
type Line struct {
	Grant string
	Import
}

// ParseLine reads one line of a bulk import. With an error, Grant is set if
// it could be read.
func ParseLine(line []byte) (Line, error) {
	text, notes, err := decode(line)
	if err != nil {
		return Line{}, err
	}
	tree, err := parseJSON(text)
	if err != nil {
		return Line{}, err
	}
	named := tree.child("grant")
	if named == nil || named.kind != textNode || named.text == "" {
		return Line{}, errors.New("the line names no grant")
	}
	l := Line{Grant: named.text}
	o, where, err := find(tree)
	if err != nil {
		return l, err
	}
	if l.Import, err = read(o); err != nil {
		return l, err
	}
	if where != "" {
		notes = append(notes, "the tokens stand under "+where)
	}
	l.Notes = append(notes, l.Notes...)
	if l.Access.Empty() && !l.Refresh.Empty() {
		return l, nil
	}
	return l, l.wantsAccess()
}

// ParseIssuedAt reads the time at which tokens were issued, in the forms of
// answer.ParseInstant.
func ParseIssuedAt(text string) (time.Time, error) {
	at, ok := answer.ParseInstant(text)
	if !ok {
		return time.Time{}, fmt.Errorf("time of issue %q is neither RFC 3339 nor seconds since 1970", text)
	}
	return at, nil
}

// clockSkew is by how much the clock of whoever wrote a time may be ahead.
const clockSkew = 5 * time.Minute

// CheckIssuedAt refuses a time of issue that is yet to come. Lives count from
// it: the tokens would end unseen, long before their refresh falls due.
func CheckIssuedAt(at, now time.Time) error {
	if at.After(now.Add(clockSkew)) {
		return fmt.Errorf("is issued at %s, in the future by the clock of this host", at.UTC().Format(time.RFC3339))
	}
	return nil
}

// isBare reports that a text is one word, or a scheme and one.
func isBare(text string) bool {
	words := strings.Fields(text)
	switch {
	case opens(text, "{"), isEncodedTwice(text), len(words) > 1 && strings.ContainsRune(strings.TrimSpace(text), '\n'):
		return false
	case len(words) == 1:
		return !isAssignment(text)
	case len(words) == 2:
		return strings.EqualFold(words[0], "bearer")
	}
	return false
}

// parseBare reads a text that is one token and nothing else.
func parseBare(text, format string) (Import, error) {
	words := strings.Fields(text)
	bearer := len(words) == 2
	var i Import
	token, note, err := cleanToken(words[len(words)-1], maxRefresh)
	if err != nil {
		return Import{}, err
	}
	if note != "" {
		i.Notes = append(i.Notes, "the token "+note)
	}
	switch {
	case bearer && format == RefreshToken:
		return Import{}, errors.New("is an access token, not a refresh token")
	case bearer, format == Static:
		i.Access = store.NewSecret(token)
		i.AccessEnd = provider.TokenEnd(i.Access)
	default:
		i.Refresh = store.NewSecret(token)
	}
	return i, nil
}
