package web

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"errors"
	"fmt"
	"html/template"
	"net/http"
	"strings"
	"time"

	"webex-tokend/daemon/refusal"
)

//go:embed pages
var files embed.FS

// pages are the embedded templates. Style and script stand inside each page
// and are allowed by their hashes: no route has to be open for them.
type pages struct {
	templates *template.Template
	policy    string
}

func parsePages() *pages {
	style, script, submit := embedded("style.css"), embedded("live.js"), embedded("submit.js")
	p := &pages{policy: fmt.Sprintf("default-src 'none'; style-src '%s'; script-src '%s' '%s'; connect-src 'self'; img-src data:; "+
		"base-uri 'none'; frame-ancestors 'none'; form-action 'self'", hash(style), hash(script), hash(submit))}
	p.templates = template.Must(template.New("").Funcs(template.FuncMap{
		"style":   func() template.CSS { return template.CSS(style) },
		"script":  func() template.JS { return template.JS(script) },
		"submit":  func() template.JS { return template.JS(submit) },
		"words":   words,
		"length":  length,
		"date":    date,
		"minute":  minute,
		"count":   count,
		"grouped": grouped,
		"add":     func(a, b float64) float64 { return a + b },
		"join":    strings.Join,
		"stamp":   func(t time.Time) string { return t.UTC().Format(time.RFC3339) },
		"fields":  strings.Fields,
	}).ParseFS(files, "pages/*.html"))
	return p
}

func embedded(name string) string {
	content, err := files.ReadFile("pages/" + name)
	if err != nil {
		panic(err) // it is part of the program
	}
	return string(content)
}

func hash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "sha256-" + base64.StdEncoding.EncodeToString(sum[:])
}

// guard sets the headers of every answer. Forms go to this server and, where a
// page says so, further.
func (p *pages) guard(h http.Header, formsTo string) {
	h.Set("Content-Security-Policy", strings.TrimSpace(p.policy+" "+formsTo))
	h.Set("Cache-Control", "no-store")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
}

// A frame is the data of every template: what the page is about, and what stands
// around it.
type frame struct {
	Page any
	Who  string // empty: a stranger
	Exit bool   // the session can be left
	Form string // token of the forms in it
	Host string // whose page it is, among several that share a store; empty: of the only one
	Now  time.Time
}

// Left tells how far an instant is from now.
func (f frame) Left(t time.Time) string { return distance(t, f.Now) }

func (s *Server) show(c *call, status int, page string, about any) error {
	f := frame{Page: about, Form: s.formToken(c), Host: s.hostName(), Now: s.cfg.Now()}
	if c.who != nil {
		f.Who, f.Exit = c.who.name, c.who.session
	}
	var body bytes.Buffer
	if err := s.pages.templates.ExecuteTemplate(&body, page, f); err != nil {
		return fmt.Errorf("fill page %s: %w", page, err)
	}
	c.w.Header().Set("Content-Type", "text/html; charset=utf-8")
	c.w.WriteHeader(status)
	_, _ = c.w.Write(body.Bytes())
	return nil
}

// hostName is what this host is called among those that share the store; empty: it
// is the only one.
func (s *Server) hostName() string {
	if shared := s.cfg.Config().Seal.Shared; shared != nil {
		return shared.Host
	}
	return ""
}

// A message is a page that says one thing.
type message struct {
	Title, Text string
	Command     string // that helps; empty: none
}

// A fault is an answer that is not what was asked for, in words for a person.
type fault struct {
	status      int
	title, text string
}

func (f *fault) Error() string { return f.title }

// faultOf is the one place where an error becomes a status.
func faultOf(err error) *fault {
	if f, ok := errors.AsType[*fault](err); ok {
		return f
	}
	if r, ok := errors.AsType[*refusal.Error](err); ok {
		return &fault{map[refusal.Kind]int{
			refusal.NoSuchGrant: http.StatusNotFound,
			refusal.BadName:     http.StatusBadRequest,
			refusal.Broker:      http.StatusBadGateway,
			refusal.Unavailable: http.StatusServiceUnavailable,
		}[r.Kind], "This cannot be done now", r.Detail}
	}
	return &fault{http.StatusInternalServerError, "Something went wrong here", "The log of the daemon says more."}
}

// showFault tells the person. What nobody foresaw is logged here, and nowhere
// before.
func (s *Server) showFault(c *call, err error) {
	if c.r.Context().Err() != nil {
		return // nobody is there to read it
	}
	f := faultOf(err)
	if f.status == 0 {
		f.status = http.StatusConflict
	}
	if f.status == http.StatusInternalServerError {
		s.cfg.Log.Error("page failed", "route", c.r.Pattern, "error", err)
	}
	text, command, _ := strings.Cut(f.text, ": webex-tokend ")
	m := message{Title: f.title, Text: text}
	if command != "" {
		m.Text, m.Command = text+":", "webex-tokend "+command
	}
	_ = s.show(c, f.status, "message.html", m)
}
