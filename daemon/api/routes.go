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
	serve   func(*Server, *call) error
}

// A reach is what a route acts on, and so what a caller must be allowed.
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
func routes() []route {
	return []route{
		{"GET /healthz", everybody, "", (*Server).health},
		{"GET /readyz", everybody, "", (*Server).readiness},

		{"GET /v1/status", visible, acl.Status, within(answers, (*Server).status)},
		{"GET /v1/events", visible, acl.Status, within(streams, (*Server).follow)},
		{"GET /v1/grants", visible, acl.Status, within(answers, (*Server).grants)},
		{"POST /v1/import", visible, acl.Admin, within(imports, (*Server).importLines)},

		{"GET /v1/grants/{name}", one, acl.Status, (*Server).grant},
		{"GET /v1/grants/{name}/token", one, acl.Token, (*Server).token},
		{"POST /v1/grants/{name}/refresh", one, acl.Refresh, (*Server).refresh},
		{"PUT /v1/grants/{name}", one, acl.Admin, (*Server).importOne},
		{"DELETE /v1/grants/{name}", one, acl.Admin, (*Server).remove},
		{"POST /v1/grants/{name}/pause", one, acl.Admin, (*Server).pause},
		{"POST /v1/grants/{name}/resume", one, acl.Admin, (*Server).resume},
		{"POST /v1/grants/{name}/adopt", one, acl.Admin, (*Server).adopt},
		{"POST /v1/grants/{name}/revoke", one, acl.Admin, (*Server).revoke},
		{"POST /v1/grants/{name}/probe", one, acl.Admin, (*Server).probe},

		{"POST /v1/grants/{name}/authorizations", one, acl.Admin, (*Server).authorize},
		{"GET /v1/authorizations/{id}", visible, acl.Status, (*Server).authorization},
		{"PUT /v1/authorizations/{id}", visible, acl.Admin, (*Server).finishAuthorization},
		{"DELETE /v1/authorizations/{id}", visible, acl.Admin, (*Server).cancelAuthorization},

		{"POST /v1/reload", whole, acl.Admin, (*Server).reloadConfig},
		{"GET /v1/backup", whole, acl.Admin, (*Server).backup},
		{"POST /v1/key/rotate", whole, acl.Admin, (*Server).rotate},
		{"POST /v1/key/recovery", whole, acl.Admin, (*Server).recoveryKey},
		{"GET /v1/key/slots", whole, acl.Admin, (*Server).keySlots},
		{"DELETE /v1/key/slots/{id}", whole, acl.Admin, (*Server).forgetKey},

		{"GET /v1/forecast", visible, acl.Status, within(answers, (*Server).forecast)},
		{"GET /metrics", visible, acl.Status, within(answers, (*Server).metrics)},
		{"POST /v1/web", visible, acl.Status, (*Server).web},
		{"POST /v1/drain", whole, acl.Admin, (*Server).drain},
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
