package api

import (
	"context"
	"net/http"
	"strconv"

	"webex-tokend/daemon/acl"
	"webex-tokend/daemon/refusal"
)

// orders are the routes by which an operator acts on one grant.
type orders struct {
	registry  Registry
	refresher Refresher
	report    Report
}

// refresh refreshes a token now and waits for the outcome. The caller may leave:
// an exchange that has begun goes on without it. Interval and budget hold for all
// but root, the daemon's own user, and an admin who says force.
func (o orders) refresh(c *call) error {
	force, err := c.force()
	if err != nil {
		return err
	}
	if force || c.rules.Owner(c.peer) {
		return o.order(c, o.refresher.Refresh)
	}
	err = o.order(c, o.refresher.Ask)
	if r, ok := refusal.As(err); ok && r.Kind == refusal.TooMany && c.rules.Allowed(c.peer, acl.Admin, c.grant) {
		told := *r // all that waited for the flight share it
		told.Action = "webex-tokend refresh " + c.grant + " --force"
		return &told
	}
	return err
}

// force reads the parameter, which takes the rights of an admin.
func (c *call) force() (bool, error) {
	text := c.r.URL.Query().Get("force")
	if text == "" {
		return false, nil
	}
	force, err := strconv.ParseBool(text)
	switch {
	case err != nil:
		return false, refuse(http.StatusBadRequest, "force is 1 or 0")
	case force && !c.rules.Allowed(c.peer, acl.Admin, c.grant):
		return false, refuse(http.StatusForbidden, "force is for admins of the grant")
	}
	return force, nil
}

func (o orders) pause(c *call) error { return o.order(c, o.registry.Pause) }

func (o orders) resume(c *call) error { return o.order(c, o.registry.Resume) }

func (o orders) adopt(c *call) error { return o.order(c, o.registry.Adopt) }

// order does something to a grant and answers with what it is then.
func (o orders) order(c *call, do func(ctx context.Context, name string) error) error {
	if err := do(c.r.Context(), c.grant); err != nil {
		return err
	}
	g, err := o.report.Grant(c.r.Context(), c.grant)
	if err != nil {
		return err
	}
	c.generation = g.Generation
	return c.answer(http.StatusOK, g)
}

func (o orders) remove(c *call) error {
	if err := o.registry.Remove(c.r.Context(), c.grant); err != nil {
		return err
	}
	c.w.WriteHeader(http.StatusNoContent)
	return nil
}

// revoke answers 200 with what the broker said, whatever it was.
func (o orders) revoke(c *call) error {
	out, err := o.registry.Revoke(c.r.Context(), c.grant)
	if err != nil {
		return err
	}
	return c.answer(http.StatusOK, out)
}

// probe answers 200 with what the API said, whatever it was.
func (o orders) probe(c *call) error {
	out, err := o.registry.Probe(c.r.Context(), c.grant)
	if err != nil {
		return err
	}
	return c.answer(http.StatusOK, out)
}

// unread answers 200 with the answer that could not be read. It may hold a refresh
// token: the one thing of that kind that leaves, to admins, who need it to repair
// the grant. It is a POST so that it counts as an order in the log.
func (o orders) unread(c *call) error {
	out, err := o.registry.Unread(c.r.Context(), c.grant)
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
