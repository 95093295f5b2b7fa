package emulator

import (
	"bytes"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
)

// A Play is an odd way of answering refreshes that servers really have, so that
// an operator can see what a client does with it.
type Play struct {
	Kind  string
	About string
	// change makes the answer odd; the true one stands in it.
	change func(a *played)
	// refuses: nothing is issued or used up.
	refuses bool
}

// Plays lists all kinds, by what they are odd in.
func Plays() []Play {
	refusals := refusalPlays()
	for i := range refusals {
		refusals[i].refuses = true
	}
	return slices.Concat(tokenPlays(), wrappingPlays(), memberPlays(), refusals)
}

// PlayOf returns the play of a kind; false: there is none.
func PlayOf(kind string) (Play, bool) {
	i := slices.IndexFunc(Plays(), func(p Play) bool { return p.Kind == kind })
	if i < 0 {
		return Play{}, false
	}
	return Plays()[i], true
}

// A played is an answer on its way to be made odd.
type played struct {
	status  int
	header  http.Header
	body    []byte
	refresh string // the refresh token in it
	// sent is what the client takes for the refresh token; empty: the same.
	sent string
}

// replace changes a text of the body.
func (a *played) replace(before, after string) {
	a.body = bytes.Replace(a.body, []byte(before), []byte(after), 1)
}

// member writes the refresh token in another way.
func (a *played) member(text string) { a.replace(`"`+a.refresh+`"`, text) }

// set writes a member anew, or adds it.
func (a *played) set(name, text string) {
	at := bytes.Index(a.body, []byte(`"`+name+`":`))
	if at < 0 {
		a.replace("{", `{"`+name+`":`+text+",")
		return
	}
	end := at + bytes.IndexAny(a.body[at:], ",}")
	a.body = slices.Concat(a.body[:at], []byte(`"`+name+`":`+text), a.body[end:])
}

func (a *played) refuse(status int, body string) { a.status, a.body = status, []byte(body) }

// A player plays one kind to all refreshes.
type player struct {
	play Play

	mu    sync.Mutex
	names map[string]string // the refresh token as it was played → as it is
}

// newPlayer returns nil where nothing is to be played.
func newPlayer(kind string) *player {
	play, known := PlayOf(kind)
	if !known {
		return nil
	}
	return &player{play: play, names: make(map[string]string)}
}

// serve answers a token request by way of the play.
func (p *player) serve(w http.ResponseWriter, r *http.Request, behave http.HandlerFunc) {
	if p == nil || r.ParseForm() != nil || r.PostForm.Get("grant_type") != "refresh_token" {
		behave(w, r)
		return
	}
	p.mu.Lock()
	if token, known := p.names[r.PostForm.Get("refresh_token")]; known {
		r.PostForm.Set("refresh_token", token)
	}
	p.mu.Unlock()
	rec := &recorder{header: http.Header{}, status: http.StatusOK}
	if !p.play.refuses {
		behave(rec, r)
	}
	a := &played{status: rec.status, header: rec.header, body: rec.body.Bytes()}
	if a.status == http.StatusOK {
		a.refresh = between(string(a.body), `"refresh_token":"`, `"`)
		p.play.change(a)
	}
	if a.sent != "" {
		p.mu.Lock()
		p.names[a.sent] = a.refresh
		p.mu.Unlock()
	}
	for name, values := range a.header {
		w.Header()[name] = values
	}
	w.WriteHeader(a.status)
	_, _ = w.Write(a.body) // a client that went away is no news
}

func between(text, before, after string) string {
	_, text, _ = strings.Cut(text, before)
	text, _, _ = strings.Cut(text, after)
	return text
}

// A recorder keeps an answer.
type recorder struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (r *recorder) Header() http.Header         { return r.header }
func (r *recorder) WriteHeader(status int)      { r.status = status }
func (r *recorder) Write(b []byte) (int, error) { return r.body.Write(b) }

// digits turns a token into a number that stands for it.
func digits(token string) string {
	n := uint64(14695981039346656037)
	for i := range len(token) {
		n = (n ^ uint64(token[i])) * 1099511628211
	}
	return fmt.Sprintf("1%019d", n)
}
