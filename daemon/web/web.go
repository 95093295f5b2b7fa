// Package web serves the daemon's pages: how the grants fare, and the way
// through consent, for operators and for people who got a link.
//
// It promises that a stranger gets nowhere: without a session or credentials
// only health, readiness, the redirect URLs of the integrations and one-time
// links answer. No page shows a token, a code or a verifier. Whoever signed in
// by a URL from the socket may do what the rules allow that peer, asked anew at
// every request. All routes stand in one table, routes.go.
package web

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/hashicorp/go-hclog"

	"webex-tokend/daemon/acl"
	"webex-tokend/daemon/config"
	"webex-tokend/daemon/connection"
	"webex-tokend/daemon/event"
	"webex-tokend/daemon/flow"
	"webex-tokend/daemon/report"
	"webex-tokend/daemon/wire"
	"webex-tokend/store"
)

// Report is what the pages show. *report.Report is one.
type Report interface {
	Status(ctx context.Context, view report.View) (wire.Status, error)
	Grants(ctx context.Context, q report.Query) (wire.Grants, error)
	Grant(ctx context.Context, name string) (wire.Grant, error)
	Ends(ctx context.Context, q report.Query) (report.Ends, error)
	History(ctx context.Context, name string) ([]store.Observation, error)
}

// Consents takes people through consent. *flow.Consents is one.
type Consents interface {
	Begin(ctx context.Context, grant string, o flow.Options) (wire.Authorization, error)
	Redirected(ctx context.Context, path string, query url.Values) (wire.Authorization, error)
	Waits(state string) bool
	Authorization(id string) (wire.Authorization, bool)
	Link(token string) (wire.Authorization, bool)
	OpenLink(ctx context.Context, token string) (wire.Authorization, error)
}

// A Stream delivers events. *event.Subscription is one.
type Stream interface {
	Next(ctx context.Context) ([]event.Event, error)
	Close()
}

// A Config says what stands behind the pages. Report, Consents and Config are
// needed.
type Config struct {
	Report   Report
	Consents Consents
	// Config returns the configuration in force. Its HTTP block is read once,
	// by New.
	Config func() *config.Config
	// Events begins a stream with what happens next; nil: pages stay as they
	// were when they were asked for.
	Events func() Stream
	// Metrics returns what GET /metrics answers to somebody with that view;
	// nil: there is no such page.
	Metrics func(view report.View) http.Handler
	// Rules returns the rules in force; nil lets root and the daemon's own user
	// do everything and nobody else anything.
	Rules func() *acl.Rules
	// Ready returns why the daemon is not ready yet; nil: it always is.
	Ready func() error
	// Now is the wall clock; nil means time.Now.
	Now func() time.Time
	// Log receives one line for each order and each refusal, and never a query;
	// nil drops them.
	Log hclog.Logger
}

func (c Config) withDefaults() Config {
	if c.Rules == nil {
		own := acl.New(acl.Config{})
		c.Rules = func() *acl.Rules { return own }
	}
	if c.Ready == nil {
		c.Ready = func() error { return nil }
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Log == nil {
		c.Log = hclog.NewNullLogger()
	}
	return c
}

// A Server answers browsers.
type Server struct {
	cfg    Config
	at     config.HTTP
	access *access
	pages  *pages
	mux    *http.ServeMux
	http   *http.Server

	sessions *sessions
	begun    *begun
	forms    []byte // key under which form tokens are made

	// streams ends when the server stops: live pages would hold up everybody.
	streams    context.Context
	endStreams context.CancelFunc
}

// Bounds on what one connection may take. The longest answer is that to a
// redirect: the exchange of a code and the question who consented.
const (
	headerTimeout  = 10 * time.Second
	requestTimeout = 2 * time.Minute
	answerTimeout  = 2 * time.Minute
	idleTimeout    = 2 * time.Minute
	headerLimit    = 32 << 10
	bodyLimit      = 64 << 10
)

// New returns a server that does not listen yet. It refuses a listener beyond
// loopback that lacks TLS or authentication.
func New(cfg Config) (*Server, error) {
	s := &Server{cfg: cfg.withDefaults(), mux: http.NewServeMux(), begun: newBegun(), forms: make([]byte, 32)}
	at := cfg.Config().HTTP
	if at == nil {
		return nil, errors.New("the configuration has no http block")
	}
	var err error
	if s.access, err = openAccess(at); err != nil {
		return nil, err
	}
	s.at, s.pages = *at, parsePages()
	s.sessions = &sessions{now: s.cfg.Now}
	_, _ = rand.Read(s.forms) // never fails
	s.streams, s.endStreams = context.WithCancel(context.Background())
	for _, r := range routes() {
		s.mux.HandleFunc(r.pattern, s.gate(r))
	}
	guests := connection.New(connection.Config{Always: []string{healthPath, readinessPath}})
	s.http = &http.Server{
		Handler:           guests.Admit(s.access.withHeaders(s.mux)),
		ConnContext:       guests.Enter,
		ConnState:         guests.Changed,
		TLSConfig:         s.access.tls,
		Protocols:         s.access.protocols(),
		ReadHeaderTimeout: headerTimeout,
		ReadTimeout:       requestTimeout,
		WriteTimeout:      answerTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    headerLimit,
		ErrorLog:          s.cfg.Log.StandardLogger(&hclog.StandardLoggerOptions{ForceLevel: hclog.Debug}),
	}
	s.http.RegisterOnShutdown(s.endStreams)
	return s, nil
}

// Listen opens the port that the configuration names.
func (s *Server) Listen(ctx context.Context) (net.Listener, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", s.at.Listen)
	if err != nil {
		return nil, fmt.Errorf("listen for browsers: %w", err)
	}
	return l, nil
}

// Serve answers on l, which it closes, until Shutdown; then it returns nil.
func (s *Server) Serve(l net.Listener) error {
	var err error
	if s.http.TLSConfig != nil {
		err = s.http.ServeTLS(l, "", "")
	} else {
		err = s.http.Serve(l)
	}
	if err == http.ErrServerClosed {
		return nil
	}
	return err
}

// Shutdown stops listening, ends live pages, and waits for requests under way.
// When ctx ends first, it cuts them off and returns ctx's error.
func (s *Server) Shutdown(ctx context.Context) error {
	if err := s.http.Shutdown(ctx); err != nil {
		return errors.Join(err, s.http.Close())
	}
	return nil
}
