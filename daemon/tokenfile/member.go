package tokenfile

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"webex-tokend/daemon/answer"
	"webex-tokend/daemon/provider"
	"webex-tokend/store"
)

// read makes an Import of the object that holds the tokens. Tokens are checked
// as strictly as a bare line; lives and texts go the way of a server's answer,
// so that the same bounds hold; every other oddity becomes a note.
func read(o *node) (Import, error) {
	m := members{rest: make(map[string]string)}
	for _, c := range o.children {
		if err := m.add(c); err != nil {
			return Import{}, err
		}
	}
	if m.access == "" {
		m.access = m.plain
	}
	rest, err := answer.ReadObject(quoteJSON(m.rest))
	if err != nil {
		return Import{}, errors.New("has members that cannot be read")
	}
	i := Import{Answer: provider.AnswerOf(rest, longestLife), IssuedAt: m.issuedAt}
	if i.OtherScheme() {
		return Import{}, fmt.Errorf("has the token_type %s: requests with such a token have to be signed, and only bearer tokens are kept", i.TokenType)
	}
	i.Notes = append(m.notes, i.Notes...)
	i.Access, i.Refresh = store.NewSecret(m.access), store.NewSecret(m.refresh)
	if !m.accessEnd.IsZero() {
		i.AccessEnd = m.accessEnd
	}
	if !m.refreshEnd.IsZero() {
		i.RefreshEnd = m.refreshEnd
	}
	if i.AccessEnd.IsZero() {
		i.AccessEnd = provider.TokenEnd(i.Access)
	}
	// A file that holds both a life and the instant at which it ends tells when
	// it was written.
	if i.IssuedAt.IsZero() && !i.AccessEnd.IsZero() && i.AccessLife > 0 {
		i.IssuedAt, i.derived = i.AccessEnd.Add(-i.AccessLife), true
	}
	return i, nil
}

// members are the values of an object that count, as far as it was read.
type members struct {
	access, refresh, plain string
	accessEnd, refreshEnd  time.Time
	issuedAt               time.Time
	rest                   map[string]string // for the reader of answers
	notes                  []string
}

func (m *members) add(c *node) error {
	if c.kind == nullNode || c.kind == textNode && strings.TrimFunc(c.text, blank) == "" {
		return nil
	}
	switch member := memberOf(c.name); member {
	case accessToken, authorization:
		return m.token(c, accessToken, &m.access, maxAccess)
	case plainToken:
		if c.kind == textNode || c.kind == numberNode {
			return m.token(c, plainToken, &m.plain, maxAccess)
		}
	case refreshToken:
		return m.token(c, refreshToken, &m.refresh, maxRefresh)
	case accessEnd:
		m.instant(c, accessEnd, &m.accessEnd, accessLife)
	case refreshEnd:
		m.instant(c, refreshEnd, &m.refreshEnd, refreshLife)
	case issuedAt:
		m.instant(c, issuedAt, &m.issuedAt, "")
	case "":
	default:
		m.text(c, member)
	}
	return nil
}

func (m *members) token(c *node, member string, into *string, most int) error {
	switch {
	case c.kind == numberNode && strings.Trim(c.text, "0123456789") != "", c.kind == boolNode, c.kind == objectNode, c.kind == listNode:
		return fmt.Errorf("has %s of no use: it is not a text", article(member))
	case c.kind == numberNode:
		m.notes = append(m.notes, member+" is a number and was taken as it is written")
	}
	token, note, err := cleanToken(c.text, most)
	if err != nil {
		return fmt.Errorf("has %s of no use: it %w", article(member), err)
	}
	if note != "" {
		m.notes = append(m.notes, member+" "+note)
	}
	if *into != "" && *into != token {
		return fmt.Errorf("has two different texts for %s: keep one of them", member)
	}
	*into = token
	return nil
}

func article(member string) string {
	if member == accessToken {
		return "an " + member
	}
	return "a " + member
}

// smallest is the lowest number that is read as an instant, in seconds since
// 1970; below it, it is a life. It is the year 1985, and 15 years.
const smallest = 500_000_000

// instant reads a point in time, or, from a small number, a life. What names the
// same again gives way to what came first.
func (m *members) instant(c *node, member string, into *time.Time, life string) {
	text := strings.TrimFunc(c.text, blank)
	if n, err := strconv.ParseFloat(text, 64); err == nil && n < smallest {
		if _, known := m.rest[life]; life != "" && !known {
			m.rest[life] = text
			m.notes = append(m.notes, member+" is a small number and was taken for a life in seconds")
		}
		return
	}
	at, ok := answer.ParseInstant(text)
	switch {
	case !ok:
		m.notes = append(m.notes, member+" is not a time")
	case into.IsZero():
		*into = at
	}
}

// text keeps a member for the reader of answers. A list is that of scopes.
func (m *members) text(c *node, member string) {
	text := c.text
	if c.kind == listNode {
		var words []string
		for _, each := range c.children {
			words = append(words, each.text)
		}
		text = strings.Join(words, " ")
	}
	if _, known := m.rest[member]; !known {
		m.rest[member] = text
	}
}

// wantsAccess insists on an access token: a response without one is either no
// response or not the whole of it.
func (i Import) wantsAccess() error {
	switch {
	case !i.Access.Empty():
		return nil
	case i.Refresh.Empty():
		return errors.New("has neither access_token nor refresh_token")
	}
	return errors.New("has no access_token; format refresh-token takes the refresh token alone")
}

// wantsRefresh wants no more than a refresh token.
func (i Import) wantsRefresh() error {
	if i.Refresh.Empty() {
		return errors.New("has no refresh_token")
	}
	return nil
}
