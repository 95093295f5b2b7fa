package web

import (
	"crypto/sha256"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"time"

	"webex-tokend/daemon/config"
	"webex-tokend/daemon/flow"
	"webex-tokend/daemon/wire"
)

// An application tells what a person is about to be asked.
type application struct {
	Grant   wire.Grant
	Verb    string // Authorize Renew
	Host    string // where the person signs in
	Scopes  []string
	Where   string // of the form
	Expires time.Time
	Person  *wire.Person // who consented before
	// Account says that the server is to ask which account signs in.
	Account bool
}

// accountField of a query or form: the server is to ask which account signs in.
const accountField = "account"

// explain shows what consent is about before it begins.
func (s *Server) explain(c *call) error {
	g, err := s.cfg.Report.Grant(c.r.Context(), c.grant)
	if err != nil {
		return err
	}
	in, err := consentable(s.cfg.Config(), s.at.PublicURL, c.grant)
	if err != nil {
		return err
	}
	a := applicationOf(g, in)
	a.Where = c.r.URL.Path
	a.Account = c.r.URL.Query().Has(accountField)
	return s.showForm(c, in, "authorize.html", a)
}

func applicationOf(g wire.Grant, in *config.Integration) application {
	return application{Grant: g, Verb: verb(g), Host: host(in.AuthorizeURL), Scopes: in.Scopes, Person: g.Person}
}

// showForm shows a page whose form ends on the server where the person
// consents, wherever that sends its own visitors to sign in.
func (s *Server) showForm(c *call, in *config.Integration, page string, a application) error {
	s.pages.guard(c.w.Header(), "https: "+origin(in.AuthorizeURL))
	return s.show(c, http.StatusOK, page, a)
}

// begin starts a consent in this browser.
func (s *Server) begin(c *call) error {
	if _, err := consentable(s.cfg.Config(), s.at.PublicURL, c.grant); err != nil {
		return err
	}
	a, err := s.cfg.Consents.Begin(c.r.Context(), c.grant, flow.Options{
		Bound:         true,
		OtherUser:     c.r.PostFormValue("other_user") != "",
		SelectAccount: c.r.PostFormValue(accountField) != "",
	})
	if err != nil {
		return err
	}
	return s.sendOff(c, a, true)
}

// giveLink makes a link for somebody else to consent.
func (s *Server) giveLink(c *call) error {
	if _, err := consentable(s.cfg.Config(), s.at.PublicURL, c.grant); err != nil {
		return err
	}
	options := flow.Options{Link: true, OtherUser: c.r.PostFormValue("other_user") != ""}
	a, err := s.cfg.Consents.Begin(c.r.Context(), c.grant, options)
	if err != nil {
		return err
	}
	return s.show(c, http.StatusOK, "given.html", a)
}

// showLink looks at a link without using it up: whatever fetches links before
// people open them leaves it as it was.
func (s *Server) showLink(c *call) error {
	a, found := s.cfg.Consents.Link(c.r.PathValue("token"))
	if !found {
		return errLinkGone
	}
	g, err := s.cfg.Report.Grant(c.r.Context(), a.Grant)
	if err != nil {
		return err
	}
	in, err := consentable(s.cfg.Config(), s.at.PublicURL, a.Grant)
	if err != nil {
		return err
	}
	p := applicationOf(g, in)
	p.Where, p.Expires = c.r.URL.Path, a.ExpiresAt
	p.Person = nil // whoever holds the link is not told who came before
	return s.showForm(c, in, "link.html", p)
}

// openLink uses a link up.
func (s *Server) openLink(c *call) error {
	a, err := s.cfg.Consents.OpenLink(c.r.Context(), c.r.PathValue("token"))
	if errors.Is(err, flow.ErrUnknownState) {
		return errLinkGone
	}
	if err != nil {
		return err
	}
	return s.sendOff(c, a, false)
}

var errLinkGone = &fault{http.StatusGone, "This link has been used, or is too old",
	"It opens once. Ask whoever sent it for another one."}

// redirected takes the answer of the authorization server. Its query holds the
// code, so the browser is led away from it whatever comes of it, but for one that
// somebody has to copy.
func (s *Server) redirected(c *call) error {
	if c.r.Method != http.MethodGet {
		return &fault{http.StatusMethodNotAllowed, "This address takes answers from Webex", "It has no page of its own."}
	}
	query := c.r.URL.Query()
	if b, ok := s.begun.find(query.Get("state")); ok {
		cookie, err := c.r.Cookie(consentCookie)
		if err != nil || sha256.Sum256([]byte(cookie.Value)) != b.cookie {
			c.redirect("/ui/done/" + elsewhereID)
			return nil
		}
	} else if s.cfg.Consents.Waits(query.Get("state")) {
		return errNotBegunHere
	}
	a, err := s.cfg.Consents.Redirected(c.r.Context(), c.r.URL.Path, query)
	switch {
	case errors.Is(err, flow.ErrUnknownState):
		c.redirect("/ui/done/" + unknownID)
	case err != nil:
		return err
	default:
		c.redirect("/ui/done/" + a.ID)
	}
	return nil
}

// errNotBegunHere answers a consent that began on the command line and went to the
// server directly. Whoever began it may have sent somebody else there: the answer
// is taken from his hands alone.
var errNotBegunHere = &fault{http.StatusForbidden, "This consent began in a terminal",
	"If you began it, paste the address of this page there. If somebody sent you to the page before this one, close it: nothing was done in your name."}

// Outcomes of redirects that belong to no consent.
const (
	unknownID   = "unknown"
	elsewhereID = "elsewhere"
)

// An outcome is the end of a consent, as the person reads it.
type outcome struct {
	wire.Authorization
	Inside bool   // the person can go back to the grants
	Host   string // where the person signed in; empty: not declared any more
}

func (s *Server) showOutcome(c *call) error {
	id := c.r.PathValue("id")
	switch id {
	case unknownID:
		text := "It was used already, came too late, or the daemon was started anew meanwhile. Nothing has changed; begin again."
		if here := s.hostName(); here != "" {
			text = "It was used already, came too late, or the consent began on another host than " + here + ", on which alone it is finished. Nothing has changed; begin again here."
		}
		return &fault{http.StatusGone, "This answer belongs to no consent that waits", text}
	case elsewhereID:
		return &fault{http.StatusForbidden, "This consent began in another browser",
			"Finish it there. If somebody sent you here, nothing was done in your name."}
	}
	a, found := s.cfg.Consents.Authorization(id)
	if !found {
		return &fault{http.StatusNotFound, "Nothing is known of this consent", "It ended some time ago; the list of grants shows what came of it."}
	}
	status := http.StatusOK
	switch a.State {
	case wire.Failed:
		status = http.StatusForbidden
	case wire.Waiting:
		c.w.Header().Set("Refresh", "2")
	}
	o := outcome{Authorization: a, Inside: s.begun.inside(id)}
	if in, ok := integrationOf(s.cfg.Config(), a.Grant); ok {
		o.Host = host(in.AuthorizeURL)
	}
	return s.show(c, status, "done.html", o)
}

// redirectPath reports whether some integration sends people back to that path.
func (s *Server) redirectPath(path string) bool {
	return slices.Contains(flow.RedirectPaths(s.cfg.Config(), s.at.PublicURL), path)
}

// consentable returns the integration of a grant whose consent ends on the pages
// of that URL.
func consentable(cfg *config.Config, publicURL, grant string) (*config.Integration, error) {
	in, ok := integrationOf(cfg, grant)
	if !ok {
		return nil, &fault{http.StatusNotFound, "This grant is not declared", "A grant block of the configuration would have to name it."}
	}
	if in.AuthorizeURL == "" || in.RedirectURL == "" {
		return nil, &fault{http.StatusConflict, "There is no consent in the browser for this grant",
			"Its integration has no authorize_url or no redirect_url. Register a token: webex-tokend import " + grant}
	}
	back, err := url.Parse(in.RedirectURL)
	if err != nil || origin(in.RedirectURL) != publicURL || !slices.Contains(flow.RedirectPaths(cfg, publicURL), back.Path) {
		return nil, &fault{http.StatusConflict, "Consent for this grant does not end here",
			"Its redirect_url is " + in.RedirectURL + ", these pages are " + publicURL + ". From a terminal: webex-tokend authorize " + grant}
	}
	return in, nil
}

func integrationOf(cfg *config.Config, grant string) (*config.Integration, bool) {
	g, ok := cfg.Grant(grant)
	if !ok {
		return nil, false
	}
	in, ok := cfg.Integrations[g.Integration]
	return in, ok
}

func origin(of string) string {
	u, err := url.Parse(of)
	if err != nil {
		return ""
	}
	return u.Scheme + "://" + u.Host
}

func host(of string) string {
	u, err := url.Parse(of)
	if err != nil {
		return ""
	}
	return u.Host
}

// verb names on a button what consent does to a grant.
func verb(g wire.Grant) string {
	if g.Generation == 0 || g.State == "reauthorize" {
		return "Authorize"
	}
	return "Renew"
}
