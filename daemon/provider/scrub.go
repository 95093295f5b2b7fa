package provider

import (
	"cmp"
	"encoding/base64"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"webex-tokend/store"
)

// Bounds of what is kept of a peer's words, in bytes.
const (
	maxDescription = 200
	maxCode        = 64
	maxTrackingID  = 100
)

// minScrubbed is the length in bytes below which a secret cannot be told from
// plain words; Meetings verifiers such as "abc" exist.
const minScrubbed = 4

// A scrubber takes secrets out of texts that a peer may have made of our own
// request.
type scrubber struct {
	clientID string
	secrets  []store.Secret
}

// forms lists the secrets as they may have been sent: plain, form-encoded, and
// together with the client's name as basic credentials. The longest come
// first, for one may begin with another.
func (s scrubber) forms() []string {
	var list []string
	for _, secret := range s.secrets {
		text := secret.Reveal()
		if len(text) < minScrubbed {
			continue
		}
		escaped := url.QueryEscape(text)
		basic := base64.StdEncoding.EncodeToString([]byte(url.QueryEscape(s.clientID) + ":" + escaped))
		list = append(list, text, escaped, basic)
	}
	slices.SortFunc(list, func(a, b string) int { return cmp.Compare(len(b), len(a)) })
	return list
}

// clean returns text on one line: without secrets, with everything
// unprintable escaped, of at most so many bytes.
func (s scrubber) clean(text string, most int) string {
	// Secrets go first: cutting or escaping could leave a piece of one.
	for _, secret := range s.forms() {
		text = strings.ReplaceAll(text, secret, "[redacted]")
	}
	var b strings.Builder
	for _, r := range text {
		piece := string(r)
		if !unicode.IsPrint(r) || r == utf8.RuneError {
			piece = strings.Trim(strconv.QuoteRuneToASCII(r), "'")
		}
		if b.Len()+len(piece) > most {
			break
		}
		b.WriteString(piece)
	}
	return b.String()
}

// Shown returns a text of ours as a description, on one line and short enough.
func Shown(text string) string { return scrubber{}.clean(text, maxDescription) }
