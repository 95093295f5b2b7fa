// Package credential hands access tokens to systemd, which passes them to the
// units of consumers as credentials. In the unit of a consumer
//
//	LoadCredential=ops:/run/webex-tokend/credential.sock
//
// makes systemd connect when the unit starts, and store what it reads in
// $CREDENTIALS_DIRECTORY/ops (systemd.exec(5)). Which unit asks, and for what,
// is in the name of systemd's end of the connection.
//
// The package promises that only root is answered, since anybody may give a
// socket such a name, and that a unit gets nothing without a rule that names
// it. A refusal closes the connection without a byte: systemd takes that for
// an empty credential, and the log says why.
package credential

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"

	"webex-tokend/daemon/acl"
	"webex-tokend/daemon/refresh"
	"webex-tokend/daemon/socket"
)

// Any is the credential ID that needs no grant's name: it stands for the only
// grant that the unit may have. A grant of this name comes first.
const Any = "webex"

// A Config says where tokens come from.
type Config struct {
	// Token returns a token that has not expired. (*refresh.Refresher).Token is one.
	Token func(ctx context.Context, grant string, minValid time.Duration) (refresh.Current, error)
	// Rules returns the rules in force.
	Rules func() *acl.Rules
	// Handed is told who got a token; nil: nobody wants to know.
	Handed func(grant string, to acl.Peer, generation uint64)
	// Log receives one line for each decision; nil drops them.
	Log hclog.Logger
}

// A Server answers systemd.
type Server struct {
	cfg     Config
	ctx     context.Context
	cancel  context.CancelFunc
	answers sync.WaitGroup
}

// writeTimeout is for a token, which fits into the empty buffer of a socket.
const writeTimeout = 10 * time.Second

// New returns a server that does not listen yet.
func New(cfg Config) *Server {
	if cfg.Log == nil {
		cfg.Log = hclog.NewNullLogger()
	}
	s := &Server{cfg: cfg}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	return s
}

// Serve answers on l, which it closes, until Close; then it returns when the
// last answer is given.
func (s *Server) Serve(l *net.UnixListener) {
	patient := socket.NewPatient(l)
	defer s.answers.Wait()
	defer context.AfterFunc(s.ctx, func() { _ = patient.Close() })()
	for {
		conn, err := patient.AcceptUnix()
		if err != nil {
			return
		}
		peer, err := acl.PeerOf(conn)
		if err != nil || peer.UID != 0 {
			// Not worth a goroutine. Whoever floods the socket is slowed down
			// by the log here, and not the daemon.
			s.refuse(conn, request{}, peer, errors.New("not asked by root"))
			continue
		}
		s.answers.Go(func() { s.answer(conn, peer) })
	}
}

// Close ends Serve. A token that is waited for is given up.
func (s *Server) Close() { s.cancel() }

// A request names the credential and the unit that systemd asks for.
type request struct{ unit, id, grant string }

func (s *Server) answer(conn *net.UnixConn, peer acl.Peer) {
	r, err := parse(conn.RemoteAddr())
	if err == nil {
		r.grant, err = s.grantFor(r)
	}
	if err != nil {
		s.refuse(conn, r, peer, err)
		return
	}
	t, err := s.cfg.Token(s.ctx, r.grant, 0)
	if err != nil {
		s.refuse(conn, r, peer, err)
		return
	}
	_ = conn.SetWriteDeadline(time.Now().Add(writeTimeout))
	_, err = conn.Write([]byte(t.Access.Reveal()))
	if err = errors.Join(err, conn.Close()); err != nil {
		s.cfg.Log.Warn("credential not taken", "unit", r.unit, "credential", r.id, "grant", r.grant, "error", err)
		return
	}
	s.cfg.Log.Info("credential", "unit", r.unit, "credential", r.id, "grant", r.grant,
		"generation", t.Generation, "pid", peer.PID, "allowed", true)
	if s.cfg.Handed != nil {
		s.cfg.Handed(r.grant, acl.Peer{UID: peer.UID, PID: peer.PID, Unit: r.unit}, t.Generation)
	}
}

func (s *Server) refuse(conn *net.UnixConn, r request, peer acl.Peer, why error) {
	s.cfg.Log.Warn("credential refused", "unit", r.unit, "credential", r.id, "grant", r.grant,
		"uid", peer.UID, "pid", peer.PID, "allowed", false, "error", why)
	_ = conn.Close()
}

// parse takes apart the address of systemd's end, an abstract one that begins
// with a NUL, which the net package shows as "@":
//
//	\0 RANDOM /unit/ UNIT / ID
func parse(from net.Addr) (request, error) {
	rest, abstract := strings.CutPrefix(from.String(), "@")
	_, rest, found := strings.Cut(rest, "/unit/")
	unit, id, complete := strings.Cut(rest, "/")
	if !abstract || !found || !complete || !acl.ValidUnit(unit) || id == "" || strings.Contains(id, "/") {
		return request{}, errors.New("not asked by systemd for a unit")
	}
	return request{unit: unit, id: id}, nil
}

// grantFor finds the grant that an ID stands for and that the unit may have.
func (s *Server) grantFor(r request) (string, error) {
	rules := s.cfg.Rules()
	if rules.UnitAllowed(r.unit, acl.Token, r.id) {
		return r.id, nil
	}
	if r.id != Any {
		return "", fmt.Errorf("no allow block lets the unit have the token of a grant %q", r.id)
	}
	if only, ok := rules.OnlyGrant(r.unit, acl.Token); ok {
		return only, nil
	}
	return "", fmt.Errorf("%s stands for the only grant of a unit, and the allow blocks do not name exactly one", Any)
}
