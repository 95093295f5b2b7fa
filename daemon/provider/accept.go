package provider

import (
	"bytes"
	"errors"
	"net/http"
	"strings"
	"time"

	"webex-tokend/daemon/answer"
	"webex-tokend/store"
)

// longestLife bounds the lives that a token endpoint may claim; the longest
// ones known are those of Webex refresh tokens, 90 days.
const longestLife = 400 * 24 * time.Hour

// accept reads an answer with a 2xx status. Whatever is wrong with it, a
// refresh token in it is handed on: the server may have retired the old one
// before it wrote the first byte. What cannot be read of it is handed on as a
// whole.
func accept(resp *http.Response, b body, d dialect, sent store.Secret, private scrubber) (Answer, *Failure) {
	o, notes, err := answer.Find(b.text)
	a := AnswerOf(o, longestLife)
	a.Notes = append(notes, a.Notes...)
	if errors.Is(err, answer.ErrNotObject) && !b.short && !isPage(resp, b.text) {
		if loose, found := byName(b.text); found {
			a, err = loose, nil
		}
	}
	a.Date = dateOf(resp.Header)
	a.bound(time.Now())
	f := answered(resp)
	switch {
	case b.short && len(b.text) == 0, b.short && !answer.IsText(b.text):
		f.Code, f.Description = "answer_cut_short", "the answer breaks off before its first byte that can be read"
	case err != nil && b.large:
		f.Code, f.Description = "answer_too_large", "the answer has more than 256 KiB"
	case errors.Is(err, answer.ErrNotObject):
		f.Code, f.Description = "not_an_oauth_answer", outline(resp, b, private)
	case errors.Is(err, answer.ErrCutShort):
		f.Code, f.Description = "answer_cut_short", "the answer breaks off"
	case err != nil:
		f.Code, f.Description = "answer_malformed", "the answer is no sound JSON"
	case a.Access.Empty() && o.IsError():
		f = refuse(resp, b, d, private)
	case a.Access.Empty():
		f.Code, f.Description = "no_access_token", strings.Join(a.Notes, "; ")
	case a.OtherScheme():
		f.Code, f.Description = "not_a_bearer_token", private.clean("token_type is "+a.TokenType, maxDescription)
	default:
		switch {
		case b.short:
			a.Notes = append(a.Notes, "the answer ended before its announced length")
		case b.large:
			a.Notes = append(a.Notes, "the answer has more than 256 KiB, of which the rest was not read")
		}
		if a.AccessLife == 0 && a.AccessEnd.IsZero() {
			a.AccessEnd = TokenEnd(a.Access)
		}
		if a.Refresh.Empty() && len(o.Values("refresh_token")) > 0 {
			a.Unread = store.NewSecret(string(b.text))
		}
		return a, nil
	}
	if f.Salvaged = a.Refresh; a.Refresh.Empty() || a.Refresh.Equal(sent) {
		f.Salvaged = salvage(b.text, sent, !isPage(resp, b.text))
	}
	if speaksOfRefresh(b.text) || !answer.IsText(b.text) {
		f.Unread = store.NewSecret(string(b.text))
	}
	if !f.Salvaged.Empty() {
		f.Description = strings.TrimPrefix(f.Description+"; a refresh token in it was kept", "; ")
	}
	return Answer{}, f
}

// byName reads an answer in a syntax that nobody here knows, such as XML or
// lines, by the names of its tokens. Only one that has both is believed.
func byName(text []byte) (a Answer, found bool) {
	access, refresh := answer.Salvage(text, "access", true), answer.Salvage(text, "refresh", true)
	if len(access) == 0 || len(refresh) == 0 {
		return Answer{}, false
	}
	a.Access, a.Refresh = store.NewSecret(access[0]), store.NewSecret(refresh[0])
	a.Notes = []string{"the answer is no JSON, its tokens were found by their names"}
	return a, isToken(access[0])
}

// speaksOfRefresh reports that the name of a refresh token stands in a text, in
// any case.
func speaksOfRefresh(text []byte) bool {
	text, _ = answer.Decode(text)
	flat := bytes.Map(func(r rune) rune {
		switch r {
		case '_', '-', ' ', '.':
			return -1
		}
		return r
	}, bytes.ToLower(text))
	return bytes.Contains(flat, []byte("refreshtoken"))
}

// isPage reports that an answer is meant for a browser.
func isPage(resp *http.Response, text []byte) bool {
	head := strings.ToLower(string(text[:min(len(text), 256)]))
	return strings.Contains(strings.ToLower(resp.Header.Get("Content-Type")), "html") ||
		strings.Contains(head, "<html") || strings.Contains(head, "<!doctype html")
}

// salvage returns the last refresh token, other than the one that was sent,
// that stands whole in an answer beyond reading.
func salvage(text []byte, sent store.Secret, loose bool) (found store.Secret) {
	for _, each := range answer.Salvage(text, "refresh", loose) {
		if token := store.NewSecret(each); len(each) <= maxRefresh && !token.Equal(sent) {
			found = token
		}
	}
	return found
}

// keepTokens looks for tokens in an answer whose status says that there are
// none: a proxy may have changed the status. Only a whole answer counts; some
// servers write back what they were sent.
func keepTokens(f *Failure, b body, sent store.Secret) *Failure {
	o, _, err := answer.Find(b.text)
	if a := AnswerOf(o, longestLife); err == nil && !a.Access.Empty() && !a.Refresh.Empty() && !a.Refresh.Equal(sent) {
		f.Salvaged = a.Refresh
	}
	return f
}
