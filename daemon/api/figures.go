package api

import "webex-tokend/daemon/acl"

// metrics serves GET /metrics with what the caller may see.
func (s *Server) metrics(c *call) error {
	s.cfg.Metrics(c.rules.ViewTo(c.peer, acl.Metrics)).ServeHTTP(c.w, c.r)
	return nil
}
