package provider

import (
	"encoding/json"
	"strings"
	"time"
	"unicode/utf8"

	"webex-tokend/daemon/answer"
	"webex-tokend/store"
)

// Bounds of tokens that are taken, in bytes. Webex access tokens that are
// JWTs have about two thousand.
const (
	maxAccess  = 32 << 10
	maxRefresh = 128 << 10
)

// Bounds of texts in an answer that people are shown, in bytes. All scopes of
// Webex together have about five thousand.
const (
	maxScope = 16 << 10
	maxName  = 200
)

// AnswerOf reads the members of a token response. Lives above longest are cut
// to it. Every oddity becomes a note and costs no other member.
//
//	access_token              without a leading "Bearer "
//	token_type
//	expires_in                see span
//	refresh_token             absent, null and "" are the same: keep the old one
//	refresh_token_expires_in  0 or less says nothing
//	scope                     "a b" or ["a","b"]
//	user_name, email, siteid  Meetings
func AnswerOf(o answer.Object, longest time.Duration) Answer {
	var a Answer
	note := func(text string) { a.Notes = append(a.Notes, text) }
	for _, name := range []string{"access_token", "refresh_token", "expires_in", "refresh_token_expires_in"} {
		if o.Twice(name) {
			note(name + " stands more than once")
		}
	}
	a.Access = access(o, note)
	a.Refresh, a.Spares = refresh(o, note)
	a.TokenType = tokenType(line(o, "token_type", maxName))
	a.readLives(o, longest, note)
	a.Scope = scope(o)
	a.User = line(o, "user_name", maxName)
	a.Email = line(o, "email", maxName)
	if a.Site = line(o, "siteid", maxName); a.Site == "" && o.Has("siteid") {
		a.Site = scrubber{}.clean(string(o.Raw("siteid")), maxName)
	}
	return a
}

// line returns a member that is a string, for terminals, pages and files of
// others: on one line, with everything unprintable escaped, of at most so many
// bytes. A line break would be a line of its own in a token file, and an escape
// sequence an order to a terminal.
func line(o answer.Object, name string, most int) string {
	text, _ := o.Text(name)
	return scrubber{}.clean(text, most)
}

func access(o answer.Object, note func(string)) store.Secret {
	name := "access_token"
	if !o.Has(name) && o.Has("refresh_token") {
		name = "token"
	}
	if !o.Has(name) {
		return store.Secret{}
	}
	text, ok := answer.TokenOf(o.Raw(name))
	if !ok {
		if _, empty := o.Text(name); !empty {
			note(name + " is not a string")
		}
		return store.Secret{}
	}
	if _, isText := o.Text(name); !isText || name != "access_token" {
		note("access_token was read from what is no string of that name")
	}
	text = strings.TrimSpace(text)
	if kind, rest, ok := strings.Cut(text, " "); ok && strings.EqualFold(kind, "bearer") {
		text = strings.TrimSpace(rest)
	}
	if !isToken(text) {
		note("access_token is too long or has characters that no header can carry")
		return store.Secret{}
	}
	return store.NewSecret(text)
}

// isToken reports that an access token can be sent in a header.
func isToken(text string) bool {
	return len(text) <= maxAccess && !strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r > '~' })
}

// refresh takes whatever text there is: it goes back as it came. Where several
// stand under the name the last one holds, and the others are spares.
func refresh(o answer.Object, note func(string)) (token store.Secret, spares []store.Secret) {
	for _, value := range o.Values("refresh_token") {
		text, ok := answer.TokenOf(value)
		switch {
		case !ok && strings.Trim(string(value), "\"' \t") == "": // blank
			continue
		case !ok:
			note("refresh_token is nothing that could be sent back")
			continue
		case len(text) > maxRefresh:
			note("refresh_token is too long")
			continue
		case value[0] != '"' && value[0] != '\'':
			note("refresh_token is no string and was read all the same")
		case !utf8.ValidString(text):
			note("refresh_token has bytes that are not UTF-8")
		}
		spares = append(spares, store.NewSecret(text))
	}
	if len(spares) == 0 {
		return store.Secret{}, nil
	}
	last := len(spares) - 1
	return spares[last], spares[:last:last]
}

func scope(o answer.Object) string {
	for _, name := range []string{"scope", "scopes"} {
		if text, ok := o.Text(name); ok && text != "" {
			return scrubber{}.clean(text, maxScope)
		}
		var list []string
		if o.Has(name) && json.Unmarshal(o.Raw(name), &list) == nil {
			return scrubber{}.clean(strings.Join(list, " "), maxScope)
		}
	}
	return ""
}
