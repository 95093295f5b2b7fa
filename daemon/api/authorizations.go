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

// Consents begins and follows consents for the authorization routes.
// *flow.Consents is one.
type Consents interface {
	Begin(ctx context.Context, grant string, o flow.Options) (wire.Authorization, error)
	Authorization(id string) (a wire.Authorization, found bool)
	Pasted(ctx context.Context, id, redirectURL string) (wire.Authorization, error)
	Cancel(id string) (found bool)
}

// consents are the routes by which a person is taken through consent.
type consents struct{ all Consents }

// begin answers POST /v1/grants/{name}/authorizations with 201 and the
// consent that it began.
func (s consents) begin(c *call) error {
	var asked wire.Authorizing
	if err := c.read(&asked); err != nil {
		return err
	}
	if asked.Device && asked.Link {
		return refuse(http.StatusBadRequest, "a device flow has no link of ours: the device page is open to anybody with the code")
	}
	a, err := s.all.Begin(c.r.Context(), c.grant, flow.Options{Device: asked.Device, OtherUser: asked.OtherUser, Link: asked.Link})
	if err != nil {
		return err
	}
	return c.answer(http.StatusCreated, a)
}

// show answers GET /v1/authorizations/{id}.
func (s consents) show(c *call) error {
	a, err := s.find(c)
	if err != nil {
		return err
	}
	return c.answer(http.StatusOK, a)
}

// finish takes the URL that the person was sent back to:
// PUT /v1/authorizations/{id}.
func (s consents) finish(c *call) error {
	if _, err := s.find(c); err != nil {
		return err
	}
	var redirect wire.Redirect
	if err := c.read(&redirect); err != nil {
		return err
	}
	a, err := s.all.Pasted(c.r.Context(), c.r.PathValue("id"), redirect.URL)
	if errors.Is(err, flow.ErrUnknownState) {
		return refuse(http.StatusGone, "%v", err)
	}
	if err != nil {
		return err
	}
	return c.answer(http.StatusOK, a)
}

// cancel ends a consent: DELETE /v1/authorizations/{id}.
func (s consents) cancel(c *call) error {
	if _, err := s.find(c); err != nil {
		return err
	}
	s.all.Cancel(c.r.PathValue("id"))
	c.w.WriteHeader(http.StatusNoContent)
	return nil
}

// find finds the consent in the path and asks the rules for its grant. A
// consent that the caller may not follow is as unknown as one that is not there.
func (s consents) find(c *call) (wire.Authorization, error) {
	a, found := s.all.Authorization(c.r.PathValue("id"))
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
