package api

import (
	"io"
	"net/http"
	"time"
)

// health says that the process answers, no more.
func (s *Server) health(c *call) error {
	_, _ = io.WriteString(c.w, "ok\n")
	return nil
}

// readiness says whether grants are being kept.
func (s *Server) readiness(c *call) error {
	if err := s.cfg.Ready(); err != nil {
		return &rejection{status: http.StatusServiceUnavailable, detail: err.Error(), retry: time.Second}
	}
	_, _ = io.WriteString(c.w, "ready\n")
	return nil
}

func (s *Server) status(c *call) error {
	status, err := s.cfg.Report.Status(c.r.Context(), c.rules.View(c.peer))
	if err != nil {
		return err
	}
	return c.answer(http.StatusOK, status)
}
