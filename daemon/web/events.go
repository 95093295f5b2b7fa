package web

import (
	"context"
	"net/http"
	"time"

	"webex-tokend/daemon/event"
	"webex-tokend/daemon/report"
	"webex-tokend/daemon/sse"
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
	ctx, cancel := context.WithCancel(c.r.Context())
	defer cancel()
	defer context.AfterFunc(s.streams, cancel)()

	stream := s.cfg.Events()
	defer stream.Close()
	return sse.Serve(c.w, sse.Config{Retry: 3 * time.Second, WriteTimeout: answerTimeout}, func() ([]sse.Event, error) {
		seen, err := s.await(ctx, c, stream)
		if err != nil {
			return nil, err // the browser left, or the daemon stops
		}
		// A session can end, and rules change, while a page stands open.
		c.rules = s.cfg.Rules()
		if err := s.identify(c); err != nil || !seen {
			return nil, err
		}
		return []sse.Event{{Data: "changed"}}, nil
	})
}

// await returns when something in view has happened, or a heartbeat is due.
func (s *Server) await(ctx context.Context, c *call, stream Stream) (seen bool, err error) {
	for due := time.Now().Add(heartbeat); !seen; {
		events, err := event.NextUntil(ctx, stream, due)
		if err != nil || len(events) == 0 {
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
