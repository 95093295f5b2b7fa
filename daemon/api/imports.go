package api

import (
	"errors"
	"io"
	"net/http"

	"webex-tokend/daemon/registry"
	"webex-tokend/daemon/tokenfile"
	"webex-tokend/daemon/wire"
)

// importOne registers the tokens in the body: PUT /v1/grants/{name}?format=&issued_at=.
// It answers 201 for a grant that had none, else 200.
func (s *Server) importOne(c *call) error {
	body, err := io.ReadAll(http.MaxBytesReader(c.w, c.r.Body, bodyLimit))
	if err != nil {
		if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
			return err
		}
		return refuse(http.StatusBadRequest, "body is not complete: %v", err)
	}
	query := c.r.URL.Query()
	format := query.Get("format")
	// A grant that is not there is refused by Register, with better words.
	if g, err := s.cfg.Report.Grant(c.r.Context(), c.grant); err == nil {
		format = tokenfile.FormatFor(g.Kind, format)
	}
	found, err := tokenfile.Parse(body, format)
	if err != nil {
		return registry.Unreadable(c.grant, err)
	}
	r := registrationOf(found)
	if text := query.Get("issued_at"); text != "" {
		if r.IssuedAt, err = tokenfile.ParseIssuedAt(text); err != nil {
			return refuse(http.StatusBadRequest, "%v", err)
		}
		if err := tokenfile.CheckIssuedAt(r.IssuedAt, s.cfg.Now()); err != nil {
			return refuse(http.StatusBadRequest, "the import for %s %v", c.grant, err)
		}
	} else if err := found.Check(s.cfg.Now()); err != nil {
		return registry.Unreadable(c.grant, err)
	}
	registered, err := s.cfg.Registry.Register(c.r.Context(), c.grant, r)
	if err != nil {
		return err
	}
	g, err := s.cfg.Report.Grant(c.r.Context(), c.grant)
	if err != nil {
		return err
	}
	c.generation = g.Generation
	imported := wire.Imported{Grant: g, Result: registered.Result, Note: registered.Note, Notes: found.Notes}
	if len(found.Notes) > 0 {
		s.cfg.Log.Warn("imported text is odd", "grant", c.grant, "notes", found.Notes)
	}
	status := http.StatusOK
	if imported.Result == "new" {
		status = http.StatusCreated
	}
	return c.answer(status, imported)
}

func registrationOf(i tokenfile.Import) registry.Registration {
	return registry.Registration{Answer: i.Answer, IssuedAt: i.IssuedAt}
}
