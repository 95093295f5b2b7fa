package web

import (
	"crypto/rand"
	"crypto/sha256"
	"maps"
	"net/http"
	"sync"
	"time"

	"webex-tokend/daemon/acl"
	"webex-tokend/daemon/wire"
)

const (
	// A sign-in link from the socket ends after ticketLife.
	ticketLife = 5 * time.Minute
	// sessionLife is a long working day.
	sessionLife = 12 * time.Hour
	// crowd bounds tickets and sessions each, ownCrowd those of one user; beyond
	// it the oldest goes. So nobody ends the sessions of others with his own.
	crowd    = 512
	ownCrowd = 64
)

const sessionCookie = "webex_tokend_session"

// sessions are the doors that peers of the socket opened for their browsers.
// Keys are hashes, so that looking one up takes no time that depends on a
// secret.
type sessions struct {
	now func() time.Time

	mu      sync.Mutex
	tickets map[[sha256.Size]byte]session
	open    map[[sha256.Size]byte]session
}

type session struct {
	peer acl.Peer
	ends time.Time
}

// Open returns a URL that lets one browser in with the rights of the peer,
// once, within five minutes.
func (s *Server) Open(peer acl.Peer) wire.Web {
	ends := s.cfg.Now().Add(ticketLife).UTC().Truncate(time.Second)
	return wire.Web{URL: s.at.PublicURL + "/ui/open/" + s.sessions.ticket(peer, ends), ExpiresAt: ends}
}

func (s *sessions) ticket(peer acl.Peer, ends time.Time) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.add(&s.tickets, session{peer, ends})
}

// known reports whether a ticket can still be used, and leaves it so.
func (s *sessions) known(ticket string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	t, ok := s.tickets[sha256.Sum256([]byte(ticket))]
	return ok && s.now().Before(t.ends)
}

// enter uses a ticket up and returns the secret of a new session.
func (s *sessions) enter(ticket string) (string, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	key := sha256.Sum256([]byte(ticket))
	t, ok := s.tickets[key]
	delete(s.tickets, key)
	if !ok || !s.now().Before(t.ends) {
		return "", false
	}
	return s.add(&s.open, session{t.peer, s.now().Add(sessionLife)}), true
}

// find returns the session of a secret.
func (s *sessions) find(secret string) (session, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	found, ok := s.open[sha256.Sum256([]byte(secret))]
	return found, ok && s.now().Before(found.ends)
}

func (s *sessions) leave(secret string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.open, sha256.Sum256([]byte(secret)))
}

// add keeps a session under a new secret and makes room for it. s.mu is held.
func (s *sessions) add(in *map[[sha256.Size]byte]session, new session) string {
	if *in == nil {
		*in = make(map[[sha256.Size]byte]session)
	}
	maps.DeleteFunc(*in, func(_ [sha256.Size]byte, old session) bool { return !s.now().Before(old.ends) })
	dropOldest(*in, ownCrowd, func(old session) bool { return old.peer.UID == new.peer.UID })
	dropOldest(*in, crowd, func(session) bool { return true })
	secret := rand.Text() + rand.Text()
	(*in)[sha256.Sum256([]byte(secret))] = new
	return secret
}

// dropOldest makes room where there are as many of a sort as there may be.
func dropOldest(in map[[sha256.Size]byte]session, most int, ofSort func(session) bool) {
	var oldest [sha256.Size]byte
	var first time.Time
	n := 0
	for key, old := range in {
		if !ofSort(old) {
			continue
		}
		if n++; n == 1 || old.ends.Before(first) {
			oldest, first = key, old.ends
		}
	}
	if n >= most {
		delete(in, oldest)
	}
}

// cookie makes one that no script reads. Strict ones stay behind when the
// browser comes from another site, so a foreign page can ask for nothing in
// the name of the session.
func (s *Server) cookie(name, value string, life time.Duration, mode http.SameSite) *http.Cookie {
	return &http.Cookie{
		Name:     name,
		Value:    value,
		Path:     "/",
		MaxAge:   int(life / time.Second),
		HttpOnly: true,
		Secure:   s.secure(),
		SameSite: mode,
	}
}

var errDoorShut = &fault{http.StatusForbidden, "This link has been used, or is too old",
	"It opens once, within five minutes. Get another one with: webex-tokend web"}

// showDoor serves the URL that Open gave. It uses nothing up: whatever looks at
// links before people open them, a chat, a scanner or the browser itself, leaves
// it as it was. The page posts to the same URL.
func (s *Server) showDoor(c *call) error {
	if !s.sessions.known(c.r.PathValue("token")) {
		return errDoorShut
	}
	return s.show(c, http.StatusOK, "enter.html", c.r.URL.Path)
}

// enter uses the URL that Open gave up.
func (s *Server) enter(c *call) error {
	secret, ok := s.sessions.enter(c.r.PathValue("token"))
	if !ok {
		return errDoorShut
	}
	http.SetCookie(c.w, s.cookie(sessionCookie, secret, sessionLife, http.SameSiteStrictMode))
	c.redirect("/ui/")
	return nil
}

// leave ends the session of the browser.
func (s *Server) leave(c *call) error {
	if cookie, err := c.r.Cookie(sessionCookie); err == nil {
		s.sessions.leave(cookie.Value)
	}
	http.SetCookie(c.w, s.cookie(sessionCookie, "", -time.Second, http.SameSiteStrictMode))
	nobody := *c // the log still says who it was
	nobody.who = nil
	return s.show(&nobody, http.StatusOK, "message.html", message{
		Title:   "Signed out",
		Text:    "This browser has no access any more. For a new sign-in link run:",
		Command: "webex-tokend web",
	})
}
