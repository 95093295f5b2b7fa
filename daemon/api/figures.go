package api

// metrics serves GET /metrics with what the caller may see.
func (s *Server) metrics(c *call) error {
	s.cfg.Metrics(c.rules.View(c.peer)).ServeHTTP(c.w, c.r)
	return nil
}
