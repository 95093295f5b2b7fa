package api

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"webex-tokend/daemon/report"
	"webex-tokend/daemon/wire"
	"webex-tokend/store"
)

// longestPage is the most grants that one answer holds.
const longestPage = 1000

// grants answers GET /v1/grants?state=&after=&limit=&sort=. Several states are
// parted by commas or by repeating the key.
func (s *Server) grants(c *call) error {
	q, err := queryOf(c.r.URL.Query())
	if err != nil {
		return err
	}
	q.View = c.rules.View(c.peer)
	page, err := s.cfg.Report.Grants(c.r.Context(), q)
	if err != nil {
		return err
	}
	return c.answer(http.StatusOK, page)
}

func queryOf(values url.Values) (report.Query, error) {
	q := report.Query{After: values.Get("after")}
	for _, list := range values["state"] {
		for name := range strings.SplitSeq(list, ",") {
			if name == "" {
				continue
			}
			if !slices.Contains(store.ByUrgency(), store.State(name)) {
				return q, refuse(http.StatusBadRequest, "state %q is none of those there are", name)
			}
			q.States = append(q.States, store.State(name))
		}
	}
	if text := values.Get("limit"); text != "" {
		limit, err := strconv.Atoi(text)
		if err != nil || limit < 1 || limit > longestPage {
			return q, refuse(http.StatusBadRequest, "limit %q is not a number from 1 to %d", text, longestPage)
		}
		q.Limit = limit
	}
	switch order := values.Get("sort"); order {
	case "", "urgency":
	case "name":
		q.ByName = true
	default:
		return q, refuse(http.StatusBadRequest, "sort %q is neither urgency nor name", order)
	}
	return q, nil
}

func (s *Server) grant(c *call) error {
	g, err := s.cfg.Report.Grant(c.r.Context(), c.grant)
	if err != nil {
		return err
	}
	seen, err := s.cfg.Report.History(c.r.Context(), c.grant)
	if err != nil {
		return err
	}
	for _, o := range seen {
		shown := wire.Observation{At: o.At, SameRefresh: o.SameRefresh}
		if !o.EndsAt.IsZero() {
			shown.EndsAt = &o.EndsAt
		}
		g.Observations = append(g.Observations, shown)
	}
	return c.answer(http.StatusOK, g)
}
