package tokenfile

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"webex-tokend/daemon/answer"
)

// A place is an object of a text that holds tokens.
type place struct {
	object *node
	path   string // "data.token"; empty at the top
}

// find returns the one object that holds tokens, and where it stands. Keepers of
// other tools nest it: oauthTokenData of n8n, token of Home Assistant and
// simple-oauth2, supertoken of the Webex JavaScript SDK, tokenManager of the
// service-app sample, values of Postman. Of two places with different tokens the
// wrong one might be taken: they are refused with both named.
func find(top *node) (o *node, where string, err error) {
	var places []place
	collect(top, "", &places)
	if len(places) == 0 {
		if isError(top) {
			return nil, "", errors.New("is an error answer, not a token response")
		}
		return nil, "", errors.New("has neither access_token nor refresh_token")
	}
	for _, p := range places[1:] {
		if !sameTokens(places[0].object, p.object) {
			return nil, "", fmt.Errorf("holds tokens in two places, %s and %s: keep one of them", shown(places[0].path), shown(p.path))
		}
	}
	return places[0].object, places[0].path, nil
}

func shown(path string) string {
	if path == "" {
		return "the top"
	}
	return path
}

// collect gathers the objects with tokens. What the JavaScript SDK keeps beside
// its supertoken are tokens made of it.
func collect(n *node, path string, places *[]place) {
	if n.kind == listNode {
		if pairs := pairsOf(n); pairs != nil {
			n = pairs
		}
	}
	if n.kind == objectNode && holdsToken(n) {
		*places = append(*places, place{n, path})
	}
	super := n.child("supertoken")
	for i, c := range n.children {
		if c.kind != objectNode && c.kind != listNode || super != nil && c != super || strings.EqualFold(c.name, "previousToken") {
			continue
		}
		name := c.name
		if n.kind == listNode {
			name = strconv.Itoa(i)
		}
		collect(c, strings.TrimPrefix(path+"."+pathName(name), "."), places)
	}
}

// pathName is a name as far as it is one: a text that is none may be a secret.
func pathName(name string) string {
	plain := func(r rune) bool {
		return r == '_' || r == '-' || '0' <= r && r <= '9' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z'
	}
	if name == "" || len(name) > 40 || strings.ContainsFunc(name, func(r rune) bool { return !plain(r) }) {
		return "?"
	}
	return name
}

// pairsOf turns a list of {"key": NAME, "value": TEXT} into the object that it
// spells, nil when the list is another one. Postman marks those out of use.
func pairsOf(list *node) *node {
	o := &node{name: list.name, kind: objectNode}
	for _, each := range list.children {
		key, value := each.child("key"), each.child("value")
		if key == nil {
			key = each.child("name")
		}
		if key == nil || value == nil || key.kind != textNode {
			return nil
		}
		if enabled := each.child("enabled"); enabled != nil && enabled.kind == boolNode && enabled.text == "false" {
			continue
		}
		o.children = append(o.children, &node{name: key.text, kind: value.kind, text: value.text, children: value.children})
	}
	if len(o.children) == 0 {
		return nil
	}
	return o
}

// holdsToken reports that an object has a token member with something in it. A
// member "token" alone may be anything: it counts beside a refresh token, where
// it is a text, and by the name of an environment variable.
func holdsToken(o *node) bool {
	for _, c := range o.children {
		if c.kind == nullNode || c.kind == textNode && c.text == "" {
			continue
		}
		switch memberOf(c.name) {
		case accessToken, refreshToken:
			return true
		case plainToken:
			if c.kind == textNode {
				return true
			}
		case authorization:
			if c.kind == textNode && strings.HasPrefix(strings.ToLower(c.text), "bearer ") {
				return true
			}
		}
	}
	return false
}

func sameTokens(a, b *node) bool {
	tokens := func(o *node, member string) string {
		for _, c := range o.children {
			if memberOf(c.name) == member {
				return c.text
			}
		}
		return ""
	}
	return tokens(a, accessToken) == tokens(b, accessToken) && tokens(a, refreshToken) == tokens(b, refreshToken)
}

// isError reports that an object is what a server answers when it refuses.
func isError(top *node) bool {
	members := make(map[string]string)
	for _, c := range top.children {
		members[c.name] = c.text
	}
	o, err := answer.ReadObject(quoteJSON(members))
	return err == nil && o.IsError()
}
