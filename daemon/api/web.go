package api

import "net/http"

// web answers POST /v1/web with a URL that opens the web pages once, with the
// rights of the caller; 409 where no pages are served.
func (s *Server) web(c *call) error {
	door, err := s.cfg.Web(c.peer)
	if err != nil {
		return refuse(http.StatusConflict, "no web pages are served: %v", err)
	}
	return c.answer(http.StatusCreated, door)
}
