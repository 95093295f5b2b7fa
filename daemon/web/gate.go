package web

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"

	"github.com/hashicorp/go-hclog"

	"webex-tokend/daemon/accounts"
	"webex-tokend/daemon/acl"
	"webex-tokend/daemon/config"
	"webex-tokend/daemon/grantname"
	"webex-tokend/daemon/report"
)

// A call is one request that has passed the gate.
type call struct {
	w     http.ResponseWriter
	r     *http.Request
	grant string // from the path
	rules *acl.Rules
	who   *person // nil: a stranger
}

// A person is the user of a browser, as far as it is proven.
type person struct {
	// key parts the form tokens of one from those of another.
	key     string
	name    string
	peer    acl.Peer // remote: let in by web_config_file
	session bool
}

// allowed asks the rules in force.
func (c *call) allowed(action acl.Action, grant string) bool {
	return c.who != nil && c.rules.Allowed(c.who.peer, action, grant)
}

// view is which grants the person may see.
func (c *call) view() report.View { return c.rules.View(c.who.peer) }

func (c *call) redirect(to string) { http.Redirect(c.w, c.r, to, http.StatusSeeOther) }

// gate decides whether a request reaches its route. There is no other way to
// one.
func (s *Server) gate(rt route) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		s.pages.guard(w.Header(), "")
		c := &call{w: w, r: r, grant: r.PathValue("name"), rules: s.cfg.Rules()}
		r.Body = http.MaxBytesReader(w, r.Body, bodyLimit)
		err := s.admit(rt, c)
		if err == nil {
			err = rt.serve(s, c)
		}
		if err != nil {
			s.showFault(c, err)
		}
		s.audit(rt, c, err)
	}
}

// admit goes from what tells least to what tells most: a request under a
// foreign name learns not even whether its cookie is good.
func (s *Server) admit(rt route, c *call) error {
	if rt.reach == anyHost {
		return nil
	}
	if !ownName(s.at, c.r.Host) {
		return &fault{http.StatusMisdirectedRequest, "These pages are not served under this name",
			"Open them as " + s.at.PublicURL + "/ui/, or set public_url to the name in use."}
	}
	if rt.reach >= scraper {
		if err := s.identify(c); err != nil {
			return err
		}
		action := rt.reach.action()
		if !c.rules.May(c.who.peer, action) || c.grant != "" && !c.allowed(action, c.grant) {
			return &fault{http.StatusForbidden, "This is not yours to do", "An allow block of the configuration would have to let you."}
		}
	}
	if c.r.Method == http.MethodPost {
		return s.checkForm(c)
	}
	return nil
}

// ownName keeps a foreign name that was made to point at this host (DNS
// rebinding) from reading pages with the cookies of that name.
func ownName(at config.HTTP, host string) bool {
	scheme, public, _ := strings.Cut(at.PublicURL, "://")
	host = withPort(host, scheme)
	return strings.EqualFold(host, withPort(public, scheme)) || host == at.Listen
}

// withPort adds the port that browsers leave out.
func withPort(host, scheme string) string {
	if _, _, err := net.SplitHostPort(host); err == nil {
		return host
	}
	if scheme == "https" {
		return net.JoinHostPort(strings.Trim(host, "[]"), "443")
	}
	return net.JoinHostPort(strings.Trim(host, "[]"), "80")
}

func (s *Server) secure() bool {
	return s.access.tls != nil || strings.HasPrefix(s.at.PublicURL, "https:")
}

// identify finds out who asks: by session, by certificate, by password.
func (s *Server) identify(c *call) error {
	if cookie, err := c.r.Cookie(sessionCookie); err == nil {
		if found, ok := s.sessions.find(cookie.Value); ok && c.rules.Named(found.peer) {
			c.who = &person{key: "session " + cookie.Value, name: accounts.UserName(found.peer.UID), peer: found.peer, session: true}
			return nil
		}
	}
	if name, ok := certificate(c.r); ok {
		c.who = &person{key: "certificate " + name, name: name, peer: acl.Peer{Remote: &acl.Remote{Client: name}}}
		return nil
	}
	if name, ok := s.access.password(c.r); ok {
		c.who = &person{key: "user " + name, name: name, peer: acl.Peer{Remote: &acl.Remote{User: name}}}
		return nil
	}
	if len(s.access.users()) > 0 {
		c.w.Header().Set("WWW-Authenticate", `Basic realm="webex-tokend", charset="UTF-8"`)
		return &fault{http.StatusUnauthorized, "Who are you?", "Come with a name and password, or with a link from: webex-tokend web"}
	}
	return &fault{http.StatusForbidden, "Come in by a link", "On the host of the daemon, this prints one that opens these pages: webex-tokend web"}
}

// formToken proves that a form came from a page of ours that was shown to this
// very person, or, on a page that a link opens, by way of that link.
func (s *Server) formToken(c *call) string {
	mac := hmac.New(sha256.New, s.forms)
	if c.who != nil {
		fmt.Fprintf(mac, "person %s", c.who.key)
	} else {
		fmt.Fprintf(mac, "link %s", c.r.PathValue("token"))
	}
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

const formField = "form"

func (s *Server) checkForm(c *call) error {
	foreign := http.NewCrossOriginProtection().Check(c.r)
	if foreign == nil && hmac.Equal([]byte(c.r.PostFormValue(formField)), []byte(s.formToken(c))) {
		return nil
	}
	return &fault{http.StatusForbidden, "This form is not from here", "Open the page anew and press the button there."}
}

// audit leaves one line for every order and every refusal. A path that holds
// a secret is not in it, the route is.
func (s *Server) audit(rt route, c *call, err error) {
	level := hclog.Debug
	if err != nil || c.r.Method == http.MethodPost {
		level = hclog.Info
	}
	name := "stranger"
	if c.who != nil {
		name = c.who.name
	}
	from, _, _ := net.SplitHostPort(c.r.RemoteAddr) // with its port every line of a flood would be a new one
	fields := []any{"route", rt.pattern, "person", printable(name), "from", from, "grant", grantname.Shown(c.grant)}
	if err != nil {
		fields = append(fields, "status", faultOf(err).status)
	}
	s.cfg.Log.Log(level, "page", fields...)
}

// printable keeps what a stranger sent from drawing lines of its own in the log.
func printable(text string) string {
	text = text[:min(len(text), 63)]
	if strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r >= 0x7f || r == '"' || r == '=' }) {
		return "(not printable)"
	}
	return text
}

// health says that the process answers, no more.
func (s *Server) health(c *call) error {
	_, _ = io.WriteString(c.w, "ok\n")
	return nil
}

// readiness says whether grants are being kept.
func (s *Server) readiness(c *call) error {
	if err := s.cfg.Ready(); err != nil {
		c.w.WriteHeader(http.StatusServiceUnavailable)
		_, _ = io.WriteString(c.w, err.Error()+"\n")
		return nil
	}
	_, _ = io.WriteString(c.w, "ready\n")
	return nil
}
