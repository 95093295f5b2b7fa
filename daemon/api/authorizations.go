package api

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"

	"webex-tokend/daemon/acl"
	"webex-tokend/daemon/flow"
	"webex-tokend/daemon/wire"
)

// Consents are what the authorization routes ask of the consents under way.
// *flow.Consents are some.
type Consents interface {
	Begin(ctx context.Context, grant string, o flow.Options) (wire.Authorization, error)
	Authorization(id string) (a wire.Authorization, found bool)
	Pasted(ctx context.Context, id, redirectURL string) (wire.Authorization, error)
	Cancel(id string) (found bool)
}

// authorize answers POST /v1/grants/{name}/authorizations with 201 and the
// consent that it began.
func (s *Server) authorize(c *call) error {
	var o wire.Authorizing
	if err := c.read(&o); err != nil {
		return err
	}
	if o.Device && o.Link {
		return refuse(http.StatusBadRequest, "a device flow has no link of ours: the device page is open to anybody with the code")
	}
	a, err := s.cfg.Consents.Begin(c.r.Context(), c.grant, flow.Options{Device: o.Device, OtherUser: o.OtherUser, Link: o.Link})
	if err != nil {
		return err
	}
	return c.answer(http.StatusCreated, a)
}

// authorization answers GET /v1/authorizations/{id}.
func (s *Server) authorization(c *call) error {
	a, err := s.consentOf(c)
	if err != nil {
		return err
	}
	return c.answer(http.StatusOK, a)
}

// finishAuthorization takes the URL that the person was sent back to:
// PUT /v1/authorizations/{id}.
func (s *Server) finishAuthorization(c *call) error {
	if _, err := s.consentOf(c); err != nil {
		return err
	}
	var redirect wire.Redirect
	if err := c.read(&redirect); err != nil {
		return err
	}
	a, err := s.cfg.Consents.Pasted(c.r.Context(), c.r.PathValue("id"), redirect.URL)
	if errors.Is(err, flow.ErrUnknownState) {
		return refuse(http.StatusGone, "%v", err)
	}
	if err != nil {
		return err
	}
	return c.answer(http.StatusOK, a)
}

// cancelAuthorization ends a consent: DELETE /v1/authorizations/{id}.
func (s *Server) cancelAuthorization(c *call) error {
	if _, err := s.consentOf(c); err != nil {
		return err
	}
	s.cfg.Consents.Cancel(c.r.PathValue("id"))
	c.w.WriteHeader(http.StatusNoContent)
	return nil
}

// consentOf finds the consent in the path and asks the rules for its grant. A
// consent that the caller may not follow is as unknown as one that is not there.
func (s *Server) consentOf(c *call) (wire.Authorization, error) {
	a, found := s.cfg.Consents.Authorization(c.r.PathValue("id"))
	if !found || !c.rules.Allowed(c.peer, acl.Admin, a.Grant) {
		return wire.Authorization{}, refuse(http.StatusNotFound, "no such authorization: it is over for some minutes, was cancelled, or the daemon has been restarted")
	}
	c.grant = a.Grant
	return a, nil
}

// read decodes a small JSON body; an empty one leaves the value as it is.
func (c *call) read(into any) error {
	body, err := io.ReadAll(http.MaxBytesReader(c.w, c.r.Body, bodyLimit))
	if err != nil {
		return err
	}
	if len(body) > 0 && json.Unmarshal(body, into) != nil {
		// The decoder's error quotes the body, and a code may stand in it.
		return refuse(http.StatusBadRequest, "body is not the JSON that this route takes")
	}
	return nil
}
