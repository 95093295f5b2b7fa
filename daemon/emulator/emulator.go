// Package emulator is a Webex authorization server for tests, demonstrations
// and trying a configuration: integrations, Meetings integrations, the device
// flow, service apps, and the few API routes by which a token is tried.
//
// It behaves as Webex documents itself, and like the real one it has its moods:
// by default a refresh is now and then answered with 429 and a strange
// Retry-After, with 5xx, with nothing, or with the token that was there before
// (see Mischief; Config.Calm turns all of it off). Tests inject further faults
// with Script, take the whole server away with Down, and ask it what it issued:
// it knows every refresh token that works at this instant.
//
// It promises that a token it refuses is dead and one it accepts is live, by
// its own clock. It promises no secrecy: its pages ask for no password, and its
// secrets follow from Config.Seed.
//
// Where neither a document nor an official sample shows how Webex words an
// answer, the nearest known one serves; the comments there say so.
package emulator

import (
	"net/http"
	"time"
)

// maxBody is how much of a request is read, in bytes.
const maxBody = 256 << 10

// An Emulator is the server. It is an http.Handler. All of its methods may be
// called at any time.
type Emulator struct {
	routes   *http.ServeMux
	issuer   *issuer
	tokens   *tokens
	devices  *devices
	consents *consents
	api      *api
	pages    *pages
	faults   faults
	history  history
}

// New returns an emulator that holds no grants yet. It starts nothing, so there
// is nothing to close.
func New(cfg Config) *Emulator {
	cfg = cfg.withDefaults()
	i, views := newIssuer(cfg), parsePages()
	waiting := &codes{issuer: i, waiting: map[string]code{}}
	e := &Emulator{
		routes:   http.NewServeMux(),
		issuer:   i,
		tokens:   &tokens{i, waiting, newPlayer(cfg.Play)},
		devices:  &devices{issuer: i, pages: views, waiting: map[string]*deviceRequest{}},
		consents: &consents{i, waiting, views},
		api:      &api{i},
		pages:    views,
		faults:   faults{scripts: map[string][]Answer{}},
		history:  history{keep: cfg.KeepCalls},
	}
	for _, route := range e.table() {
		for _, method := range route.Methods {
			e.routes.HandleFunc(method+" "+route.Path, route.serve)
		}
	}
	return e
}

// ServeHTTP answers one request: late if so configured, then by script, in a bad
// mood, or as it should.
func (e *Emulator) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if e.Away() {
		panic(http.ErrAbortHandler)
	}
	// The server's clock, not the host's; net/http leaves a Date that is set.
	w.Header().Set("Date", e.issuer.cfg.Now().UTC().Format(http.TimeFormat))
	if r.Body != nil {
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	}
	_, token := e.issuer.cfg.dialect(r.URL.Path)
	if token {
		_ = r.ParseForm() // the endpoint parses again and answers the error
	}
	note := &answerNote{ResponseWriter: w}
	call, scripted := e.note(r), e.scripted(r.URL.Path)
	defer func() { e.settle(call, note, scripted != nil) }()

	switch {
	case !Pause(r, e.issuer.cfg.Latency):
		panic(http.ErrAbortHandler)
	case scripted != nil:
		scripted(note, r, e.routes)
	case !token || !e.tokens.misbehave(note, r):
		e.routes.ServeHTTP(note, r)
	}
}

// Pause holds up the answer to a request; false: the client went away.
func Pause(r *http.Request, pause time.Duration) bool {
	if pause <= 0 {
		return true
	}
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-r.Context().Done():
		return false
	}
}
