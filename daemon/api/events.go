package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"webex-tokend/daemon/event"
	"webex-tokend/daemon/wire"
)

// follow serves GET /v1/events as server-sent events:
//
//	id: 42
//	event: refreshed
//	data: {"grant":"ops","generation":7,"state":"ok","reason":"","at":"2026-11-22T03:00:00Z"}
//
// Last-Event-ID resumes behind that event; without it the stream begins with
// what happens next. Only grants that the caller may see appear, by the rules in
// force when the event is sent. An event "skipped" names no grant: its reader
// was too slow, or came back when events behind its last one were no longer
// held, and has to read again what it derived from events.
func (s *Server) follow(c *call) error {
	after := uint64(event.Latest)
	if text := c.r.Header.Get("Last-Event-ID"); text != "" {
		var err error
		if after, err = strconv.ParseUint(text, 10, 64); err != nil {
			return refuse(http.StatusBadRequest, "Last-Event-ID %q is not a number", text)
		}
	}
	control := http.NewResponseController(c.w)
	// The stream lives as long as both sides wish. A client that stops reading
	// is noticed by the deadline of a write.
	if err := control.SetReadDeadline(time.Time{}); err != nil {
		return fmt.Errorf("lift read deadline: %w", err)
	}
	ctx, cancel := context.WithCancel(c.r.Context())
	defer cancel()
	defer context.AfterFunc(s.streams, cancel)()

	stream := s.cfg.Events(after)
	defer stream.Close()
	c.w.Header()["Content-Type"] = []string{wire.EventsType}
	c.w.WriteHeader(http.StatusOK)
	// The first bytes tell the caller that it will miss nothing from here on.
	for text := []byte("retry: 2000\n\n"); ; {
		_ = control.SetWriteDeadline(time.Now().Add(answerTimeout))
		if _, err := c.w.Write(text); err != nil {
			return nil
		}
		if err := control.Flush(); err != nil {
			return nil
		}
		events, err := nextEvents(ctx, stream, s.cfg.Heartbeat)
		if err != nil {
			return nil // the caller left, or the daemon stops
		}
		if c.rules = s.cfg.Rules(); !c.rules.Named(c.peer) {
			return nil
		}
		text = appendEvents(nil, events, c.rules.View(c.peer))
	}
}

// nextEvents returns none when a heartbeat is due first.
func nextEvents(ctx context.Context, stream Stream, heartbeat time.Duration) ([]event.Event, error) {
	waiting, cancel := context.WithTimeout(ctx, heartbeat)
	defer cancel()
	events, err := stream.Next(waiting)
	if errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil {
		return nil, nil
	}
	return events, err
}

// appendEvents draws those events that view shows; a comment, when there is
// none of them, keeps the connection alive.
func appendEvents(b []byte, events []event.Event, view func(string) bool) []byte {
	for _, e := range events {
		if e.Grant != "" && view != nil && !view(e.Grant) {
			continue
		}
		data, _ := json.Marshal(wire.Event{ // strings, a number and a time always encode
			Grant:      e.Grant,
			Generation: e.Generation,
			State:      string(e.State),
			Reason:     e.Reason,
			At:         e.At,
		})
		b = fmt.Appendf(b, "id: %d\nevent: %s\ndata: %s\n\n", e.ID, e.Kind, data)
	}
	if len(b) == 0 {
		return append(b, ":\n\n"...)
	}
	return b
}
