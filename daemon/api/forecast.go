package api

import (
	"cmp"
	"encoding/json"
	"net/http"
	"strconv"
	"time"

	"webex-tokend/daemon/duration"
	"webex-tokend/daemon/report"
	"webex-tokend/daemon/wire"
)

// A forecast looks ahead farthest days at most.
const farthest = 400

// forecast answers GET /v1/forecast?outage=9d&from=TIME&days=120&endpoint_down=true.
// Without from the outage begins now, without outage there is none.
func (s *Server) forecast(c *call) error {
	now := s.cfg.Now().UTC()
	values := c.r.URL.Query()
	o := report.Outage{From: now, EndpointDown: values.Get("endpoint_down") == "true"}
	var err error
	if text := values.Get("outage"); text != "" {
		if o.For, err = duration.Parse(text); err != nil {
			return refuse(http.StatusBadRequest, "outage: %v", err)
		}
	}
	if text := values.Get("from"); text != "" {
		if o.From, err = time.Parse(time.RFC3339, text); err != nil || o.From.Before(now.Add(-time.Minute)) {
			return refuse(http.StatusBadRequest, "from %q is no instant to come, such as 2026-12-24T18:00:00Z", text)
		}
		o.From = o.From.UTC()
	}
	days, err := strconv.Atoi(cmp.Or(values.Get("days"), "120"))
	if err != nil || days < 1 || days > farthest {
		return refuse(http.StatusBadRequest, "days %q is not a number from 1 to %d", values.Get("days"), farthest)
	}
	o.Until = now.AddDate(0, 0, days)
	if o.From.Add(o.For).After(o.Until) {
		return refuse(http.StatusBadRequest, "the outage ends later than %d days from now", days)
	}
	f, err := s.cfg.Report.Forecast(c.r.Context(), c.rules.View(c.peer), o)
	if err != nil {
		return err
	}
	return c.answer(http.StatusOK, f)
}

// drain answers POST /v1/drain?for=9d with a line for each grant as it ends.
// The last line names none and has the sum; where it is missing, the drain was
// cut short.
func (s *Server) drain(c *call) error {
	away, err := duration.Parse(c.r.URL.Query().Get("for"))
	if err != nil || away <= 0 {
		return refuse(http.StatusBadRequest, "for: write how long nothing will be refreshed, such as 9d")
	}
	control := http.NewResponseController(c.w)
	// It takes as long as the endpoints want.
	_ = control.SetReadDeadline(time.Time{})
	c.w.Header()["Content-Type"] = []string{wire.LinesType}
	c.w.WriteHeader(http.StatusOK)
	out := json.NewEncoder(c.w)
	err = s.cfg.Sweeper.Drain(c.r.Context(), away, func(d wire.Drained) error {
		_ = control.SetWriteDeadline(time.Now().Add(lineTimeout))
		if err := out.Encode(d); err != nil {
			return err
		}
		return control.Flush()
	})
	if err != nil {
		s.cfg.Log.Error("drain cut short", "error", err)
	}
	return nil
}
