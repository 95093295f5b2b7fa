package answer

import (
	"bytes"
	"encoding/json"
	"regexp"
	"strings"
)

// maxSalvaged bounds how many places of an answer are looked at.
const maxSalvaged = 32

// Salvage returns the texts that stand whole under the name of a token, access or
// refresh, in an answer beyond reading: cut off, nested, in XML, in lines. Without
// loose, names have to be quoted as in JSON: a page is full of scripts that speak
// of tokens.
func Salvage(text []byte, which string, loose bool) (found []string) {
	decoded, note := Decode(text)
	if found = salvage(decoded, which, loose); len(found) > 0 || note == "" {
		return found
	}
	// A few zero bytes make other characters of a text that is none.
	return salvage(text, which, loose)
}

func salvage(text []byte, which string, loose bool) (found []string) {
	if bytes.Contains(text, []byte(`\"`)) { // JSON in a string
		text = append(bytes.Clone(text), bytes.ReplaceAll(text, []byte(`\"`), []byte(`"`))...)
	}
	name := regexp.MustCompile(`(?i)["']` + which + `[-_. ]?token["']`)
	for _, at := range name.FindAllIndex(text, maxSalvaged) {
		s, one := scanner{text: text[at[0]:]}, Object{}
		if s.member(&one) != nil {
			continue
		}
		if token, ok := TokenOf(one.members[0].value); ok {
			found = append(found, token)
		}
	}
	if len(found) > 0 || !loose {
		return found
	}
	plain := regexp.MustCompile(`(?i)\b` + which + `[-_. ]?token["']?(?:\s*[:=]\s*|\s*=>\s*|>\s*)(["']?)([^\s"'&<>,;{}\[\]\\]+)(["'&<,;\s]|$)`)
	for _, m := range plain.FindAllSubmatch(text, maxSalvaged) {
		// What was opened with a quote ends with it.
		if says(m[2]) && (len(m[1]) == 0 || bytes.Equal(m[1], m[3])) {
			found = append(found, string(m[2]))
		}
	}
	return found
}

// TokenOf returns the token that a value of JSON is: a string, a number as it is
// written, the one text in a list, or in an object what stands under value, token
// or the like.
func TokenOf(value []byte) (token string, ok bool) { return tokenOf(value, maxDepth) }

func tokenOf(value []byte, depth int) (token string, ok bool) {
	if !says(value) || depth == 0 {
		return "", false
	}
	switch value[0] {
	case '"', '\'':
		token, ok = Unquote(value)
		return token, ok && strings.TrimSpace(token) != ""
	case '[':
		list := Object{members: []member{{name: "a", flat: "a", value: value}}}.List("a")
		if len(list) == 0 {
			return "", false
		}
		return tokenOf(list[len(list)-1], depth-1)
	case '{':
		o, err := ReadObject(value)
		if err != nil {
			return "", false
		}
		for _, name := range []string{"refresh_token", "access_token", "token", "value", "token_value", "secret", "string", "text", "jwt"} {
			if token, ok = tokenOf(o.value(name), depth-1); ok {
				return token, true
			}
		}
		return "", false
	}
	// A number too long for a machine still is these digits.
	return string(value), json.Valid(value) && strings.Trim(string(value), "-+.0123456789eE") == ""
}
