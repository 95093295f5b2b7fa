package api

import (
	"net/http"

	"webex-tokend/daemon/acl"
)

// A route is one line of the table.
type route struct {
	pattern string
	reach   reach
	action  acl.Action
	serve   func(*call) error
}

// A reach says what a route acts on, and so what a caller must be allowed.
type reach int

const (
	// everybody: no rule is asked.
	everybody reach = iota
	// visible: whatever the caller may see. Any caller who may do the action on
	// some grant comes in, and serve looks through the caller's view.
	visible
	// one: the grant in the path.
	one
	// whole: the daemon itself; the action must be allowed on all grants.
	whole
)

// routes is the API.
func routes(s *Server) []route {
	orders, consents, sealing := orders{s.cfg.Registry, s.cfg.Refresher, s.cfg.Report}, consents{s.cfg.Consents}, sealing{s.cfg}
	hosts := hosts{s.cfg.Hosts}
	return []route{
		{"GET /healthz", everybody, "", s.health},
		{"GET /readyz", everybody, "", s.readiness},

		{"GET /v1/status", visible, acl.Status, within(s.answers, s.status)},
		{"GET /v1/events", visible, acl.Status, within(s.following, s.follow)},
		{"GET /v1/grants", visible, acl.Status, within(s.answers, s.grants)},
		{"POST /v1/import", visible, acl.Admin, within(s.imports, s.importLines)},

		{"GET /v1/grants/{name}", one, acl.Status, s.grant},
		{"GET /v1/grants/{name}/token", one, acl.Token, s.token},
		{"POST /v1/grants/{name}/refresh", one, acl.Refresh, orders.refresh},
		{"PUT /v1/grants/{name}", one, acl.Admin, s.importOne},
		{"DELETE /v1/grants/{name}", one, acl.Admin, orders.remove},
		{"POST /v1/grants/{name}/pause", one, acl.Admin, orders.pause},
		{"POST /v1/grants/{name}/resume", one, acl.Admin, orders.resume},
		{"POST /v1/grants/{name}/adopt", one, acl.Admin, orders.adopt},
		{"POST /v1/grants/{name}/revoke", one, acl.Admin, orders.revoke},
		{"POST /v1/grants/{name}/probe", one, acl.Admin, orders.probe},
		{"POST /v1/grants/{name}/unread", one, acl.Admin, orders.unread},

		{"POST /v1/grants/{name}/authorizations", one, acl.Admin, consents.begin},
		{"GET /v1/authorizations/{id}", visible, acl.Status, consents.show},
		{"PUT /v1/authorizations/{id}", visible, acl.Admin, consents.finish},
		{"DELETE /v1/authorizations/{id}", visible, acl.Admin, consents.cancel},

		{"GET /v1/hosts", whole, acl.Status, hosts.list},
		{"POST /v1/hosts/yield", whole, acl.Admin, hosts.yield},
		{"DELETE /v1/hosts/{host}", whole, acl.Admin, hosts.forget},

		{"POST /v1/reload", whole, acl.Admin, s.reloadConfig},
		{"GET /v1/backup", whole, acl.Admin, sealing.backup},
		{"POST /v1/move", whole, acl.Admin, sealing.move},
		{"POST /v1/key/rotate", whole, acl.Admin, sealing.rotate},
		{"POST /v1/key/recovery", whole, acl.Admin, sealing.recoveryKey},
		{"GET /v1/key/slots", whole, acl.Admin, sealing.keySlots},
		{"DELETE /v1/key/slots/{id}", whole, acl.Admin, sealing.forgetKey},

		{"GET /v1/forecast", visible, acl.Status, within(s.answers, s.forecast)},
		{"GET /metrics", visible, acl.Metrics, within(s.answers, s.metrics)},
		{"POST /v1/web", visible, acl.Status, s.web},
		{"POST /v1/drain", whole, acl.Admin, s.drain},
	}
}

// unknown answers what no route matches: another method of a known path, or
// nothing at all.
func (s *Server) unknown(w http.ResponseWriter, r *http.Request) {
	for _, method := range []string{http.MethodGet, http.MethodPut, http.MethodPost, http.MethodDelete} {
		other := r.Clone(r.Context())
		other.Method = method
		if _, pattern := s.mux.Handler(other); pattern != "/" {
			w.Header().Add("Allow", method)
		}
	}
	if w.Header().Get("Allow") != "" {
		s.answerProblem(w, r, refuse(http.StatusMethodNotAllowed, "no %s on this path", r.Method))
		return
	}
	s.answerProblem(w, r, refuse(http.StatusNotFound, "no such path"))
}
