package provider

import (
	"bytes"
	"errors"
	"net/http"
	"strings"
	"time"

	"webex-tokend/store"
)

// longestLife bounds the lives that a token endpoint may claim; the longest
// ones known are those of Webex refresh tokens, 90 days.
const longestLife = 400 * 24 * time.Hour

// maxUnread bounds what is kept of an answer that could not be read, in bytes.
// Token responses are a tenth of that; portals that answer for all hosts send
// pages, which do not speak of refresh tokens.
const maxUnread = 16 << 10

// accept reads an answer with a 2xx status. Whatever is wrong with it, a
// refresh token in it is handed on: the server may have retired the old one
// before it wrote the first byte.
func accept(resp *http.Response, b body, d dialect, sent store.Secret, private scrubber) (Answer, *Failure) {
	o, err := ReadObject(b.text)
	a := o.Answer(longestLife)
	a.Date = dateOf(resp.Header)
	f := answered(resp)
	switch {
	case b.large:
		f.Code, f.Description = "answer_too_large", "the answer has more than 64 KiB"
	case b.short && len(b.text) == 0:
		f.Code, f.Description = "answer_cut_short", "the answer breaks off before its first byte"
	case errors.Is(err, ErrNotObject):
		f.Code, f.Description = "not_an_oauth_answer", outline(resp, b, private)
	case errors.Is(err, ErrCutShort):
		f.Code, f.Description = "answer_cut_short", "the answer breaks off"
	case err != nil:
		f.Code, f.Description = "answer_malformed", "the answer is no sound JSON"
	case a.Access.Empty() && o.IsError():
		f = refuse(resp, b, d, private)
	case a.Access.Empty():
		f.Code, f.Description = "no_access_token", strings.Join(a.Notes, "; ")
	case a.TokenType != "" && !strings.EqualFold(a.TokenType, "bearer"):
		f.Code, f.Description = "not_a_bearer_token", private.clean("token_type is "+a.TokenType, maxDescription)
	default:
		if b.short {
			a.Notes = append(a.Notes, "the answer ended before its announced length")
		}
		if a.AccessLife == 0 {
			a.AccessEnd = TokenEnd(a.Access)
		}
		return a, nil
	}
	if bytes.Contains(b.text, []byte("refresh_token")) {
		f.Unread = store.NewSecret(string(b.text[:min(len(b.text), maxUnread)]))
	}
	if f.Salvaged = a.Refresh; a.Refresh.Empty() || a.Refresh.Equal(sent) {
		f.Salvaged = salvage(b.text, sent)
	}
	if !f.Salvaged.Empty() {
		f.Description = strings.TrimPrefix(f.Description+"; a refresh token in it was kept", "; ")
	}
	return Answer{}, f
}

// salvage returns the last refresh token, other than the one that was sent,
// that stands whole in an answer beyond reading: cut off, nested, in a list.
func salvage(text []byte, sent store.Secret) (found store.Secret) {
	name := []byte(`"refresh_token"`)
	for at := 0; ; {
		i := bytes.Index(text[at:], name)
		if i < 0 {
			return found
		}
		at += i
		s, one := scanner{text: text, at: at}, Object{members: make(map[string][]byte)}
		if s.member(&one) == nil {
			if token := one.refresh(func(string) {}); !token.Empty() && !token.Equal(sent) {
				found = token
			}
		}
		at += len(name)
	}
}
