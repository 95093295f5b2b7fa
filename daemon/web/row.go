package web

import (
	"slices"
	"strings"
	"time"

	"webex-tokend/daemon/config"
	"webex-tokend/daemon/verdict"
	"webex-tokend/daemon/wire"
	"webex-tokend/store"
)

// A row is one grant as the list shows it.
type row struct {
	wire.Grant
	Tone        string
	Token       string // how long it works
	TokenLate   bool
	Refresh     string
	RefreshLate bool
	Window      string
	WindowTone  string // of its end
	Movement    string // slides fixed ?
	Guessed     bool   // no response told the end
	Bar         int    // of the window, 0 to 120 days
	Verb        string // on the button; empty: a consent does not help
	Again       bool   // a consent is possible, although nothing asks for it
	Why         string
}

func (s *Server) row(c *call, g wire.Grant, now time.Time) row {
	r := row{Grant: g, Tone: toneOf(g.State, g.Level), Token: "none", Refresh: "–", Window: "–", Why: words(g.Reason)}
	switch at := g.AccessExpiresAt; {
	case at != nil && !now.Before(*at):
		r.Token, r.TokenLate = "expired", true
	case at != nil:
		r.Token = length(at.Sub(now))
	case g.Generation > 0 && g.Kind == string(config.Static):
		r.Token = "no end"
	}
	switch at := g.RefreshDueAt; {
	case at == nil:
	case now.Before(*at):
		r.Refresh = distance(*at, now)
	case now.Sub(*at) > verdict.OverdueAfter:
		r.Refresh, r.RefreshLate = "overdue", true
	default:
		r.Refresh = "now"
	}
	if at := g.End(); at != nil {
		r.Window, r.WindowTone = date(*at), endTone(g, now)
		r.Movement, r.Guessed = movement(g), guessed(g)
		r.Bar = int(min(max(at.Sub(now)/day, 0), axis))
	}
	if _, err := consentable(s.cfg.Config(), s.at.PublicURL, g.Name); err == nil && c.allowed("admin", g.Name) {
		if r.Again = !helps(g); !r.Again {
			r.Verb = verb(g)
		}
	}
	return r
}

// helps reports whether a consent is what a grant needs.
func helps(g wire.Grant) bool {
	return g.State == string(store.Unverified) || strings.HasPrefix(g.Action, "webex-tokend authorize ")
}

// guessed reports whether no response named that end.
func guessed(g wire.Grant) bool {
	if g.Kind == string(config.Static) {
		return slices.Contains(g.Assumed, "access_expires_at")
	}
	return slices.Contains(g.Assumed, "window_ends_at")
}

func movement(g wire.Grant) string {
	switch {
	case g.Window == "sliding":
		return "slides"
	case g.Window == "fixed", g.Kind == string(config.Static):
		return "fixed"
	}
	return "not known yet"
}
