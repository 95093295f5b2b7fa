// Package connection bounds how many are connected to an HTTP server at once, so that
// whoever opens connections and says nothing holds up nobody.
package connection

import (
	"cmp"
	"context"
	"net"
	"net/http"
	"slices"
	"sync"
)

// A Config has the bounds of a Limit.
type Config struct {
	// Most have a place at once; 0 means 256. One more takes the place of the one that
	// has had no request under way for longest.
	Most int
	// Spare are let in beside them when all have a request under way, and get nothing
	// but Always; 0 means 32.
	Spare int
	// Always are the paths that are answered in any case, such as that of a probe.
	Always []string
}

// A Limit knows who is connected to one server.
type Limit struct {
	cfg Config

	mu   sync.Mutex
	here map[net.Conn]*guest
	came uint64 // counts them
}

// A guest is a connection. The mutex of the Limit guards it.
type guest struct {
	conn    net.Conn
	since   uint64 // it has had no request: how many had come or been answered before
	serving int    // requests under way, of which HTTP/2 has several
	surplus bool   // there was no place when it came
}

// guestKey is that of the guest in the context of its requests.
type guestKey struct{}

// New returns a Limit of which nobody knows yet: Enter, Changed and Admit go into an
// http.Server.
func New(cfg Config) *Limit {
	cfg.Most, cfg.Spare = cmp.Or(cfg.Most, 256), cmp.Or(cfg.Spare, 32)
	return &Limit{cfg: cfg, here: make(map[net.Conn]*guest)}
}

// Enter is for http.Server.ConnContext.
func (l *Limit) Enter(ctx context.Context, conn net.Conn) context.Context {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.came++
	g := &guest{conn: conn, since: l.came}
	for len(l.here) >= l.cfg.Most && !g.surplus {
		if last := l.idlest(); last != nil {
			l.dismiss(last)
		} else {
			g.surplus = true
		}
	}
	l.here[conn] = g
	if len(l.here) > l.cfg.Most+l.cfg.Spare {
		l.dismiss(g)
	}
	return context.WithValue(ctx, guestKey{}, g)
}

// idlest has had no request under way for longest; nil: all have one. l.mu is held.
func (l *Limit) idlest() (last *guest) {
	for _, g := range l.here {
		if g.serving == 0 && (last == nil || g.since < last.since) {
			last = g
		}
	}
	return last
}

// dismiss closes a connection. TLS says goodbye first, which may take a moment.
// l.mu is held.
func (l *Limit) dismiss(g *guest) {
	delete(l.here, g.conn)
	go g.conn.Close()
}

// Changed is for http.Server.ConnState.
func (l *Limit) Changed(conn net.Conn, state http.ConnState) {
	if state != http.StateClosed && state != http.StateHijacked {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.here, conn)
}

// Admit counts the requests of each connection, and answers what has no place.
func (l *Limit) Admit(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		g, _ := r.Context().Value(guestKey{}).(*guest)
		if g == nil { // a test that calls the handler
			next.ServeHTTP(w, r)
			return
		}
		placed := l.begin(g)
		defer l.end(g)
		if !placed && !slices.Contains(l.cfg.Always, r.URL.Path) {
			w.Header().Set("Connection", "close")
			w.Header().Set("Retry-After", "5")
			http.Error(w, "too many connections", http.StatusServiceUnavailable)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// begin reports whether there is a place by now.
func (l *Limit) begin(g *guest) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	g.serving++
	if g.surplus && len(l.here) <= l.cfg.Most {
		g.surplus = false
	}
	return !g.surplus
}

func (l *Limit) end(g *guest) {
	l.mu.Lock()
	defer l.mu.Unlock()
	g.serving--
	l.came++
	g.since = l.came
}
