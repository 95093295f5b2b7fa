package web

import (
	"crypto/rand"
	"crypto/sha256"
	"net/http"
	"net/url"
	"sync"
	"time"

	"webex-tokend/daemon/wire"
)

// consentCookie parts the browser that began a consent from all others. It is
// not strict, because Webex sends the person back to us.
const consentCookie = "webex_tokend_consent"

// begun remembers which browser began which consent: nobody can begin one and
// have another person finish it in theirs, who would consent to something that
// they did not ask for. What begins on the command line goes through a page of a
// link, or comes home by being pasted there.
type begun struct {
	mu       sync.Mutex
	browsers map[[sha256.Size]byte]browser // by state
}

type browser struct {
	cookie [sha256.Size]byte
	id     string // of the authorization
	inside bool   // came from our pages, not from a link
	ends   time.Time
}

func newBegun() *begun { return &begun{browsers: make(map[[sha256.Size]byte]browser)} }

func (b *begun) add(state string, new browser, now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for key, old := range b.browsers {
		if now.After(old.ends) {
			delete(b.browsers, key)
		}
	}
	b.browsers[sha256.Sum256([]byte(state))] = new
}

// find returns the browser that began the consent of that state.
func (b *begun) find(state string) (browser, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	found, ok := b.browsers[sha256.Sum256([]byte(state))]
	return found, ok
}

// inside reports whether the consent began on our pages.
func (b *begun) inside(id string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, found := range b.browsers {
		if found.id == id {
			return found.inside
		}
	}
	return false
}

// sendOff leads the browser to the page where the person consents.
func (s *Server) sendOff(c *call, a wire.Authorization, inside bool) error {
	to, err := url.Parse(a.URL)
	if err != nil {
		return err
	}
	secret := rand.Text()
	b := browser{sha256.Sum256([]byte(secret)), a.ID, inside, a.ExpiresAt.Add(outcomeLife)}
	s.begun.add(to.Query().Get("state"), b, s.cfg.Now())
	http.SetCookie(c.w, s.cookie(consentCookie, secret, a.ExpiresAt.Sub(s.cfg.Now()), http.SameSiteLaxMode))
	c.redirect(a.URL)
	return nil
}

// A consent can be looked at for outcomeLife after its end.
const outcomeLife = 10 * time.Minute
