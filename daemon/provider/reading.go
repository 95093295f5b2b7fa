package provider

import (
	"encoding/json"
	"strings"
	"time"

	"webex-tokend/store"
)

// Bounds of tokens that are taken, in bytes. Webex access tokens that are
// JWTs have about two thousand.
const (
	maxAccess  = 16 << 10
	maxRefresh = 8 << 10
)

// Bounds of texts in an answer that people are shown, in bytes. All scopes of
// Webex together have about five thousand.
const (
	maxScope = 16 << 10
	maxName  = 200
)

// leastAccessLife stands for an expires_in of zero or less: the token came
// just now, so it is hardly over, and a loop of refreshes must not follow.
const leastAccessLife = time.Minute

// Answer reads the members of a token response. Lives above longest are cut
// to it. Every oddity becomes a note and costs no other member.
//
//	access_token              without a leading "Bearer "
//	token_type
//	expires_in                seconds: 3600, 3600.5, "3600"
//	refresh_token             absent, null and "" are the same: keep the old one
//	refresh_token_expires_in  seconds; 0 or less says nothing
//	scope                     "a b" or ["a","b"]
//	user_name, email, siteid  Meetings
func (o Object) Answer(longest time.Duration) Answer {
	var a Answer
	note := func(text string) { a.Notes = append(a.Notes, text) }
	for _, name := range o.twice {
		switch name {
		case "access_token", "refresh_token", "expires_in", "refresh_token_expires_in":
			note(name + " stands more than once")
		}
	}
	a.Access = o.access(note)
	a.Refresh = o.refresh(note)
	a.TokenType = o.Line("token_type", maxName)
	a.AccessLife = o.life("expires_in", leastAccessLife, longest, note)
	a.RefreshLife = o.life("refresh_token_expires_in", 0, longest, note)
	a.Scope = o.scope()
	a.User = o.Line("user_name", maxName)
	a.Email = o.Line("email", maxName)
	if a.Site = o.Line("siteid", maxName); a.Site == "" && o.Has("siteid") {
		a.Site = scrubber{}.clean(string(o.members["siteid"]), maxName)
	}
	return a
}

func (o Object) access(note func(string)) store.Secret {
	text, ok := o.Text("access_token")
	if !ok {
		if o.Has("access_token") {
			note("access_token is not a string")
		}
		return store.Secret{}
	}
	text = strings.TrimSpace(text)
	if kind, rest, ok := strings.Cut(text, " "); ok && strings.EqualFold(kind, "bearer") {
		text = strings.TrimSpace(rest)
	}
	if len(text) > maxAccess || strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r > '~' }) {
		note("access_token is too long or has characters that no header can carry")
		return store.Secret{}
	}
	return store.NewSecret(text)
}

// refresh takes whatever text there is: it goes back as it came.
func (o Object) refresh(note func(string)) store.Secret {
	text, ok := o.Text("refresh_token")
	switch {
	case !ok && o.Has("refresh_token"):
		note("refresh_token is not a string")
	case len(text) > maxRefresh:
		note("refresh_token is too long")
	case strings.TrimSpace(text) != "":
		return store.NewSecret(text)
	}
	return store.Secret{}
}

func (o Object) life(name string, least, longest time.Duration, note func(string)) time.Duration {
	if !o.Has(name) {
		return 0
	}
	n, ok := o.Number(name)
	switch {
	case !ok:
		note(name + " is not a number")
		return 0
	case n <= 0:
		note(name + " is not above zero")
		return least
	case n > longest.Seconds():
		note(name + " is too large")
		return longest
	}
	return max(time.Duration(n*float64(time.Second)), time.Second)
}

func (o Object) scope() string {
	if _, ok := o.Text("scope"); ok || !o.Has("scope") {
		return o.Line("scope", maxScope)
	}
	var list []string
	if json.Unmarshal(o.members["scope"], &list) != nil {
		return ""
	}
	return scrubber{}.clean(strings.Join(list, " "), maxScope)
}
