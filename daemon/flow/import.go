// Package flow is how grants come in: from token responses that other tools
// obtained and kept in files of their own. It promises to read nothing half:
// a text is understood whole or refused in one line that quotes none of it.
package flow

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"webex-tokend/daemon/config"
	"webex-tokend/daemon/provider"
	"webex-tokend/store"
)

// The formats of Parse. Response and WxcSDK have the same members in JSON and
// in YAML, and either encoding is read under either name.
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

// An Import is what a file says about a grant. AccessEnd and RefreshEnd are
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
	text, err := legible(data)
	if err != nil {
		return Import{}, err
	}
	switch format {
	case "", Auto, Static:
		switch {
		case isBare(text):
			return parseBare(text, format)
		case isWtr(text):
			return parseWtr(text)
		}
		return parseResponse(text)
	case Response, WxcSDK:
		return parseResponse(text)
	case Wtr:
		return parseWtr(text)
	case RefreshToken:
		if isBare(text) {
			return parseBare(text, format)
		}
		return parseRefresh(text)
	}
	return Import{}, fmt.Errorf("has the unknown format %q", format)
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
	text, err := legible(line)
	if err != nil {
		return Line{}, err
	}
	o, err := decodeJSON(text)
	if err != nil {
		return Line{}, err
	}
	grant, ok := o.Text("grant")
	if !ok || grant == "" {
		return Line{}, errors.New("the line names no grant")
	}
	if o.Has("refresh_token") && !o.Has("access_token") {
		i, err := refreshOnly(o)
		return Line{grant, i}, err
	}
	i, err := complete(o)
	return Line{grant, i}, err
}

// ParseIssuedAt reads the time at which tokens were issued: RFC 3339, or
// seconds since 1970.
func ParseIssuedAt(text string) (time.Time, error) {
	at, ok := provider.ParseInstant(text)
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

// parseBare reads a text that is one token and nothing else.
func parseBare(text, format string) (Import, error) {
	words := strings.Fields(text)
	token, bearer := words[len(words)-1], len(words) == 2
	if err := checkBare(token); err != nil {
		return Import{}, err
	}
	var i Import
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
