package emulator

import (
	"bytes"
	"embed"
	"html/template"
	"math"
	"net/http"
	"strings"
	"time"
)

//go:embed pages
var pageFiles embed.FS

// parsePages reads the embedded pages. They need no script and nothing from
// elsewhere, so that they work on a host without a way out.
func parsePages() *pages {
	return &pages{template.Must(template.New("").Funcs(template.FuncMap{
		"join": strings.Join,
	}).ParseFS(pageFiles, "pages/*"))}
}

// pages are what people see.
type pages struct{ templates *template.Template }

// A consentPage asks a person for consent.
type consentPage struct {
	Client   string
	Scopes   []string
	Email    string
	Returns  string // where the answer goes; empty in the device flow
	UserCode string // device flow only
}

// A faultPage tells a person what went wrong.
type faultPage struct{ Title, Text string }

// A frontPage says what this server is.
type frontPage struct {
	URL     string
	Clients []kindClient
	Routes  []route
	Moods   *Mischief
	Calm    bool
	Rotates bool
	Grace   time.Duration
	Fixed   bool
	Stats   Stats
}

// Share is a probability as the page tells it.
func (frontPage) Share(probability float64) int { return int(math.Round(1000 * probability)) }

func (e *Emulator) serveFront(w http.ResponseWriter, r *http.Request) {
	base := e.issuer.cfg.base(r)
	e.pages.show(w, http.StatusOK, "front.html", frontPage{
		URL:     base,
		Clients: e.announced(base),
		Routes:  e.table(),
		Moods:   e.issuer.cfg.Mischief,
		Calm:    *e.issuer.cfg.Mischief == Mischief{},
		Rotates: e.issuer.cfg.Rotate,
		Grace:   e.issuer.cfg.Grace,
		Fixed:   e.issuer.cfg.Window == Fixed,
		Stats:   e.Stats(),
	})
}

func (p *pages) showFault(w http.ResponseWriter, status int, title, text string) {
	p.show(w, status, "fault.html", faultPage{title, text})
}

// show writes a page.
func (p *pages) show(w http.ResponseWriter, status int, page string, data any) {
	var body bytes.Buffer
	if err := p.templates.ExecuteTemplate(&body, page, data); err != nil {
		panic(err) // a fault in the page itself, which a test would find
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Referrer-Policy", "no-referrer")
	w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'")
	w.WriteHeader(status)
	_, _ = w.Write(body.Bytes())
}
