package api

import (
	"context"
	"net/http"

	"webex-tokend/daemon/wire"
)

// refresh renews a token now and waits for the outcome. The caller may leave:
// an exchange that has begun goes on without it.
func (s *Server) refresh(c *call) error { return c.order(s.cfg.Keeper.Refresh) }

func (s *Server) pause(c *call) error { return c.order(s.cfg.Keeper.Pause) }

func (s *Server) resume(c *call) error { return c.order(s.cfg.Keeper.Resume) }

func (s *Server) adopt(c *call) error { return c.order(s.cfg.Keeper.Adopt) }

func (c *call) order(do func(ctx context.Context, name string) (wire.Grant, error)) error {
	g, err := do(c.r.Context(), c.grant)
	if err != nil {
		return err
	}
	c.generation = g.Generation
	return c.answer(http.StatusOK, g)
}

func (s *Server) remove(c *call) error {
	if err := s.cfg.Keeper.Remove(c.r.Context(), c.grant); err != nil {
		return err
	}
	c.w.WriteHeader(http.StatusNoContent)
	return nil
}

// revoke answers 200 with what the broker said, whatever it was.
func (s *Server) revoke(c *call) error {
	out, err := s.cfg.Keeper.Revoke(c.r.Context(), c.grant)
	if err != nil {
		return err
	}
	return c.answer(http.StatusOK, out)
}

// probe answers 200 with what the API said, whatever it was.
func (s *Server) probe(c *call) error {
	out, err := s.cfg.Keeper.Probe(c.r.Context(), c.grant)
	if err != nil {
		return err
	}
	return c.answer(http.StatusOK, out)
}

// reloadConfig answers 204, or 422 with the faults; then nothing has changed.
func (s *Server) reloadConfig(c *call) error {
	if err := s.cfg.Reload(c.r.Context()); err != nil {
		return refuse(http.StatusUnprocessableEntity, "%v", err)
	}
	c.w.WriteHeader(http.StatusNoContent)
	return nil
}
