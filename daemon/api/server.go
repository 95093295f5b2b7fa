// Package api serves the daemon's HTTP API on its unix socket.
//
// It promises that the kernel says who asks, never the message; that no route
// does anything before the gate has let the caller through; that a caller
// learns nothing of a grant outside its rules, not even whether it exists; and
// that neither a refresh token nor an expired access token leaves. All routes
// stand in one table, routes.go.
package api

import (
	"cmp"
	"context"
	"errors"
	"net"
	"net/http"
	"time"

	"github.com/hashicorp/go-hclog"

	"webex-tokend/daemon/acl"
	"webex-tokend/daemon/event"
	"webex-tokend/daemon/refresh"
	"webex-tokend/daemon/registry"
	"webex-tokend/daemon/report"
	"webex-tokend/daemon/tokenfile"
	"webex-tokend/daemon/wire"
	"webex-tokend/store"
)

// Refresher refreshes grants and gives out their tokens. *refresh.Refresher is one.
type Refresher interface {
	Token(ctx context.Context, name string, minValid time.Duration) (refresh.Current, error)
	// Refresh obeys no interval and no budget, Ask does.
	Refresh(ctx context.Context, name string) error
	Ask(ctx context.Context, name string) error
}

// Registry lets grants come and go. *registry.Registry is one.
type Registry interface {
	Register(ctx context.Context, name string, r registry.Registration) (registry.Registered, error)
	Pause(ctx context.Context, name string) error
	Resume(ctx context.Context, name string) error
	Adopt(ctx context.Context, name string) error
	Remove(ctx context.Context, name string) error
	Revoke(ctx context.Context, name string) (wire.Revocation, error)
	Probe(ctx context.Context, name string) (wire.Probe, error)
	Unread(ctx context.Context, name string) (wire.Unread, error)
}

// Sweeper refreshes ahead of an absence. *sweep.Sweeper is one.
type Sweeper interface {
	Drain(ctx context.Context, away time.Duration, tell func(wire.Drained) error) error
}

// Grants are the rooms that act on grants.
type Grants struct {
	Registry  Registry
	Refresher Refresher
	Sweeper   Sweeper
}

// Report is what the routes show. *report.Report is one.
type Report interface {
	Status(ctx context.Context, view report.View) (wire.Status, error)
	Grants(ctx context.Context, q report.Query) (wire.Grants, error)
	Grant(ctx context.Context, name string) (wire.Grant, error)
	History(ctx context.Context, name string) ([]store.Observation, error)
	Forecast(ctx context.Context, view report.View, o report.Outage) (wire.Forecast, error)
}

// A Stream delivers events. *event.Subscription is one.
type Stream interface {
	// Next waits for at least one event. When ctx ends the wait, nothing is
	// lost: the next call goes on.
	Next(ctx context.Context) ([]event.Event, error)
	Close()
}

// A Config says what stands behind the routes.
type Config struct {
	Grants
	Report Report
	// Consents are needed by the authorization routes.
	Consents Consents
	// Events begins a stream behind the event with that ID, event.Latest
	// meaning with what happens next.
	Events func(after uint64) Stream
	// Rules returns the rules in force. They are asked anew for each request,
	// so that a reload holds at once; nil lets root and the daemon's own user in.
	Rules func() *acl.Rules
	// Reload reads the configuration again. Its error is what the operator
	// has to fix: it is answered as such.
	Reload func(ctx context.Context) error
	// Web opens the web pages to a peer. Its error says why there are none.
	Web func(acl.Peer) (wire.Web, error)
	// Metrics answers GET /metrics with what the view shows; nil answers 404.
	Metrics func(view func(grant string) bool) http.Handler
	// Hosts are those that share the store; nil: none do.
	Hosts Hosts
	// Sealed is what can be done to the sealed store.
	Sealed Sealed
	// Handed is told who was given the token of a grant; nil: nobody wants to
	// know. It must return at once.
	Handed func(grant string, to acl.Peer, generation uint64)
	// Ready returns why the daemon is not ready yet; nil: it always is.
	Ready func() error
	// Now is the wall clock; nil means time.Now.
	Now func() time.Time
	// Heartbeat is the time between signs of life on a silent event stream;
	// 0 means 15 seconds.
	Heartbeat time.Duration
	// Log receives one line for each decision about a token or an order; nil
	// drops them.
	Log hclog.Logger
}

func (c Config) withDefaults() Config {
	if c.Rules == nil {
		own := acl.New(acl.Config{})
		c.Rules = func() *acl.Rules { return own }
	}
	if c.Web == nil {
		c.Web = func(acl.Peer) (wire.Web, error) { return wire.Web{}, errors.New("this daemon has none") }
	}
	if c.Handed == nil {
		c.Handed = func(string, acl.Peer, uint64) {}
	}
	if c.Ready == nil {
		c.Ready = func() error { return nil }
	}
	if c.Metrics == nil {
		c.Metrics = func(func(string) bool) http.Handler { return http.NotFoundHandler() }
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	c.Heartbeat = cmp.Or(c.Heartbeat, 15*time.Second)
	if c.Log == nil {
		c.Log = hclog.NewNullLogger()
	}
	return c
}

// A Server answers the API's requests.
type Server struct {
	cfg  Config
	mux  *http.ServeMux
	http *http.Server

	// answers, imports and following bound what one user has under way.
	answers, imports, following *places

	// streams ends when the server stops: events and bulk imports go on for
	// as long as their client wishes, and would hold up everybody.
	streams    context.Context
	endStreams context.CancelFunc
}

// Bounds on what one connection may take. An honest client meets none of them:
// the longest answers, a token and a refresh, take less than a minute.
const (
	headerTimeout = 10 * time.Second
	// requestTimeout is for reading a request, but net/http takes a caller for
	// gone when it passes, whatever the route is doing then. So it is not
	// shorter than answerTimeout.
	requestTimeout = 2 * time.Minute
	answerTimeout  = 2 * time.Minute
	idleTimeout    = 2 * time.Minute
	headerLimit    = 16 << 10
	// bodyLimit leaves room to say better than "too large" what is wrong with a
	// response of more than tokenfile.MaxSize.
	bodyLimit = 2 * tokenfile.MaxSize
)

// New returns a server that does not listen yet.
func New(cfg Config) *Server {
	s := &Server{
		cfg:       cfg.withDefaults(),
		mux:       http.NewServeMux(),
		answers:   newPlaces(answersAtOnce),
		imports:   newPlaces(importsAtOnce),
		following: newPlaces(streamsAtOnce),
	}
	s.streams, s.endStreams = context.WithCancel(context.Background())
	for _, r := range routes(s) {
		s.mux.Handle(r.pattern, s.gate(r))
	}
	s.mux.HandleFunc("/", s.unknown)
	s.http = &http.Server{
		Handler:           s.mux,
		ReadHeaderTimeout: headerTimeout,
		ReadTimeout:       requestTimeout,
		WriteTimeout:      answerTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    headerLimit,
		ConnContext:       withPeer,
		ErrorLog:          s.cfg.Log.StandardLogger(&hclog.StandardLoggerOptions{ForceLevel: hclog.Debug}),
	}
	return s
}

// Serve answers on l, which it closes, until Shutdown; then it returns nil.
func (s *Server) Serve(l *net.UnixListener) error {
	err := s.http.Serve(newCrowd(l, s.cfg.Rules))
	if err == http.ErrServerClosed {
		return nil
	}
	return err
}

// Shutdown stops listening, ends streams, and waits for requests under way.
// When ctx ends first, it cuts them off and returns ctx's error.
func (s *Server) Shutdown(ctx context.Context) error {
	s.endStreams()
	err := s.http.Shutdown(ctx)
	if err != nil {
		_ = s.http.Close()
	}
	return err
}
