package api

import (
	"net/http"

	"github.com/hashicorp/go-hclog"

	"webex-tokend/daemon/acl"
	"webex-tokend/daemon/grantname"
)

// A call is one request that has passed the gate.
type call struct {
	w     http.ResponseWriter
	r     *http.Request
	peer  acl.Peer
	rules *acl.Rules
	grant string // from the path
	// generation of the token handed out, for the log
	generation uint64
}

// gate decides whether a request reaches its route, and writes down what was
// decided. There is no other way to a route.
func (s *Server) gate(rt route) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header()["Cache-Control"] = []string{"no-store"}
		c := &call{w: w, r: r, grant: r.PathValue("name"), rules: s.cfg.Rules()}
		var err, nameless error
		allowed := s.admit(rt, c)
		if rt.reach == one {
			nameless = grantname.Valid(c.grant)
			c.grant = grantname.Shown(c.grant)
		}
		switch {
		case !allowed:
			err = refuse(http.StatusForbidden, "not allowed")
		case nameless != nil:
			err = refuse(http.StatusBadRequest, "%v", nameless)
		default:
			err = rt.serve(c)
		}
		if err != nil {
			s.answerProblem(w, r, err)
		}
		s.audit(rt, c, allowed, err)
	}
}

// admit asks the rules. It does not look for the grant: a refusal is the same
// whether the grant exists or not.
func (s *Server) admit(rt route, c *call) bool {
	if rt.reach == everybody {
		return true
	}
	peer, ok := acl.FromContext(c.r.Context())
	if !ok {
		return false
	}
	c.peer = peer
	switch rt.reach {
	case one:
		return c.rules.Allowed(peer, rt.action, c.grant)
	case whole:
		return c.rules.Allowed(peer, rt.action, "")
	}
	return c.rules.May(peer, rt.action)
}

// audit leaves one line for whatever hands out a token or changes something,
// and for every refusal. Looking is logged for those who ask for it.
func (s *Server) audit(rt route, c *call, allowed bool, err error) {
	if rt.reach == everybody {
		return
	}
	level := hclog.Info
	if allowed && (rt.action == acl.Status || rt.action == acl.Metrics) {
		level = hclog.Debug
	}
	if level < s.cfg.Log.GetLevel() {
		return
	}
	fields := make([]any, 0, 18)
	fields = append(fields, "uid", c.peer.UID, "pid", c.peer.PID, "action", string(rt.action),
		"grant", c.grant, "generation", c.generation, "allowed", allowed)
	if c.peer.Unit != "" {
		fields = append(fields, "unit", c.peer.Unit)
	}
	if rt.action == acl.Admin || rt.action == acl.Status { // of which there are several
		fields = append(fields, "route", rt.pattern)
	}
	if err != nil {
		p, _ := problemOf(err)
		fields = append(fields, "status", p.Status)
	}
	s.cfg.Log.Log(level, "request", fields...)
}
