package api

import (
	"context"
	"net/http"

	"webex-tokend/daemon/wire"
)

// Hosts is what the routes of hosts stand on.
type Hosts interface {
	Hosts() (wire.Hosts, error)
	// Yield hands the office over, Forget gives a host up that is away.
	Yield(ctx context.Context) error
	Forget(ctx context.Context, host string) error
}

// hosts are the routes about other hosts.
type hosts struct{ of Hosts }

func (h hosts) list(c *call) error {
	if h.of == nil {
		return c.answer(http.StatusOK, wire.Hosts{Hosts: []wire.Host{}})
	}
	found, err := h.of.Hosts()
	if err != nil {
		return err
	}
	return c.answer(http.StatusOK, found)
}

func (h hosts) yield(c *call) error {
	if h.of == nil {
		return refuse(http.StatusConflict, "the store is a file of this host: there are no others")
	}
	if err := h.of.Yield(c.r.Context()); err != nil {
		return err
	}
	c.w.WriteHeader(http.StatusNoContent)
	return nil
}

func (h hosts) forget(c *call) error {
	if h.of == nil {
		return refuse(http.StatusConflict, "the store is a file of this host: there are no others")
	}
	if err := h.of.Forget(c.r.Context(), c.r.PathValue("host")); err != nil {
		return err
	}
	c.w.WriteHeader(http.StatusNoContent)
	return nil
}
