package api

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"time"

	"webex-tokend/daemon/acl"
	"webex-tokend/daemon/event"
	"webex-tokend/daemon/sse"
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
	ctx, cancel := context.WithCancel(c.r.Context())
	defer cancel()
	defer context.AfterFunc(s.streams, cancel)()

	stream := s.cfg.Events(after)
	defer stream.Close()
	return sse.Serve(c.w, sse.Config{Retry: 2 * time.Second, WriteTimeout: answerTimeout}, func() ([]sse.Event, error) {
		events, err := event.NextUntil(ctx, stream, time.Now().Add(s.cfg.Heartbeat))
		if err != nil {
			return nil, err // the caller left, or the daemon stops
		}
		if c.rules = s.cfg.Rules(); !c.rules.May(c.peer, acl.Status) {
			return nil, errNotNamed
		}
		return shownEvents(events, c.rules.View(c.peer)), nil
	})
}

// errNotNamed ends a stream.
var errNotNamed = errors.New("no rule lets the caller see grants any more")

// shownEvents are those that view shows.
func shownEvents(events []event.Event, view func(string) bool) (list []sse.Event) {
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
		list = append(list, sse.Event{ID: strconv.FormatUint(e.ID, 10), Name: string(e.Kind), Data: string(data)})
	}
	return list
}
