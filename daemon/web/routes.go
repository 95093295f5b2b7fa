package web

import (
	"net/http"

	"webex-tokend/daemon/acl"
)

// A route is one line of the table.
type route struct {
	pattern string
	reach   reach
	serve   func(*Server, *call) error
}

// A reach says who may use a route.
type reach int

const (
	// anyHost: everybody, under whatever name the host was asked for: probes
	// know addresses only, and learn nothing here.
	anyHost reach = iota
	// everybody who asks under our own name. The route itself knows a secret
	// in the path or the query that lets one in.
	everybody
	// scraper: whoever may read figures, which are all that many programs need.
	scraper
	// visitor: whoever may see grants.
	visitor
	// admin of the grant in the path.
	admin
)

// Paths of the probes, which are answered when nobody else has a place.
const (
	healthPath    = "/healthz"
	readinessPath = "/readyz"
)

func routes() []route {
	return []route{
		{"GET " + healthPath, anyHost, (*Server).health},
		{"GET " + readinessPath, anyHost, (*Server).readiness},

		{"GET /ui/open/{token}", everybody, (*Server).showDoor},
		{"POST /ui/open/{token}", everybody, (*Server).enter},
		{"GET /link/{token}", everybody, (*Server).showLink},
		{"POST /link/{token}", everybody, (*Server).openLink},
		{"GET /ui/done/{id}", everybody, (*Server).showOutcome},
		// The redirect URLs are the configuration's; what is none of them is
		// refused as everything else is.
		{"/", everybody, (*Server).elsewhere},

		{"GET /{$}", visitor, (*Server).front},
		{"GET /ui/{$}", visitor, (*Server).list},
		{"GET /ui/events", visitor, (*Server).follow},
		{"GET /ui/grants/{name}", visitor, (*Server).detail},
		{"GET /metrics", scraper, (*Server).metrics},
		{"POST /ui/leave", visitor, (*Server).leave},

		{"GET /ui/grants/{name}/authorize", admin, (*Server).explain},
		{"POST /ui/grants/{name}/authorize", admin, (*Server).begin},
		{"POST /ui/grants/{name}/link", admin, (*Server).giveLink},
	}
}

// action is checked by the rules where a route names a grant.
func (r reach) action() acl.Action {
	switch r {
	case admin:
		return acl.Admin
	case scraper:
		return acl.Metrics
	}
	return acl.Status
}

// front leads to the list.
func (s *Server) front(c *call) error {
	c.redirect("/ui/")
	return nil
}

// metrics serves GET /metrics, of what the visitor may know.
func (s *Server) metrics(c *call) error {
	if s.cfg.Metrics == nil {
		return &fault{http.StatusNotFound, "There is no such page", "This daemon counts nothing."}
	}
	s.cfg.Metrics(c.rules.ViewTo(c.who.peer, acl.Metrics)).ServeHTTP(c.w, c.r)
	return nil
}

// elsewhere answers redirect URLs, and everything that has no route.
func (s *Server) elsewhere(c *call) error {
	if s.redirectPath(c.r.URL.Path) {
		return s.redirected(c)
	}
	if err := s.identify(c); err != nil {
		return err
	}
	return &fault{http.StatusNotFound, "There is no such page", "The grants are listed at " + s.at.PublicURL + "/ui/"}
}
