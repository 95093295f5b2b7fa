package web

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"webex-tokend/daemon/event"
	"webex-tokend/daemon/report"
	"webex-tokend/daemon/wire"
)

const (
	// settle gathers what happens together, so that a storm of refreshes does
	// not draw a page for each of them.
	settle = 2 * time.Second
	// heartbeat is the time between signs of life on a silent stream.
	heartbeat = 15 * time.Second
)

// follow serves GET /ui/events as server-sent events that say only that the
// page has something new to show; the page then asks for itself again:
//
//	data: changed
//
// Events of grants outside the person's view say nothing.
func (s *Server) follow(c *call) error {
	if s.cfg.Events == nil {
		c.w.WriteHeader(http.StatusNoContent) // tells an EventSource to stay away
		return nil
	}
	control := http.NewResponseController(c.w)
	if err := control.SetReadDeadline(time.Time{}); err != nil {
		return fmt.Errorf("lift read deadline: %w", err)
	}
	ctx, cancel := context.WithCancel(c.r.Context())
	defer cancel()
	defer context.AfterFunc(s.streams, cancel)()

	stream := s.cfg.Events()
	defer stream.Close()
	c.w.Header().Set("Content-Type", wire.EventsType)
	for text := "retry: 3000\n\n"; ; {
		_ = control.SetWriteDeadline(time.Now().Add(answerTimeout))
		if _, err := fmt.Fprint(c.w, text); err != nil {
			return nil
		}
		if err := control.Flush(); err != nil {
			return nil
		}
		seen, err := s.await(ctx, c, stream)
		if err != nil {
			return nil // the browser left, or the daemon stops
		}
		// A session can end, and rules change, while a page stands open.
		if c.rules = s.cfg.Rules(); s.identify(c) != nil {
			return nil
		}
		text = ":\n\n"
		if seen {
			text = "data: changed\n\n"
		}
	}
}

// await returns when something in view has happened, or a heartbeat is due.
func (s *Server) await(ctx context.Context, c *call, stream Stream) (seen bool, err error) {
	waiting, cancel := context.WithTimeout(ctx, heartbeat)
	defer cancel()
	for !seen {
		events, err := stream.Next(waiting)
		if errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil {
			return false, nil
		}
		if err != nil {
			return false, err
		}
		seen = inView(events, c.view())
	}
	select {
	case <-time.After(settle):
	case <-ctx.Done():
		return false, ctx.Err()
	}
	return true, nil
}

func inView(events []event.Event, view report.View) bool {
	for _, e := range events {
		if e.Grant == "" || view == nil || view(e.Grant) {
			return true
		}
	}
	return false
}
